"""``python -m benchmarks.gate.embedding DIR``: the labelled data of level 2, told apart by sentence embeddings.

A baseline to compare with, no part of the gate. Most embedding models are fetched from a hub when they are first used;
this one comes inside its package, which is no dependency of ours: ``pip install tokenlearn-static-model`` first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.gate.labelled import Item, auc, cross_validated, read_all
from orchestrator.language import sentences

Array = npt.NDArray[np.float32]
Embed = Callable[[list[str]], Sequence[Sequence[float]]]
BATCH = 256


def vectors(texts: Sequence[str], embed: Embed) -> dict[str, Array]:
    """The unit vector of each text."""
    distinct = list(dict.fromkeys(texts))
    rows = [row for at in range(0, len(distinct), BATCH) for row in embed(distinct[at : at + BATCH])]
    array = np.asarray(rows, dtype=np.float32)
    array /= np.linalg.norm(array, axis=1, keepdims=True) + 1e-9
    return dict(zip(distinct, array, strict=True))


def nearness(items: Sequence[Item], embed: Embed) -> dict[str, list[float]]:
    """Cosine of each claim with its evidence as a whole, and with the nearest of its sentences."""
    parts = [[span.text for span in sentences(item.evidence)] or [item.evidence] for item in items]
    texts = [text for item in items for text in (item.claim, item.evidence)]
    known = vectors([*texts, *(text for part in parts for text in part)], embed)
    return {
        "embedding, whole evidence": [float(known[i.claim] @ known[i.evidence]) for i in items],
        "embedding, nearest sentence": [
            max(float(known[item.claim] @ known[text]) for text in part)
            for item, part in zip(items, parts, strict=True)
        ],
    }


def markdown(folder: Path, embed: Embed) -> Iterator[str]:
    """A table in the form of the labelled one."""
    sets = read_all(folder)
    rows: dict[str, list[str]] = {}
    for items in sets.values():
        for name, scores in nearness(items, embed).items():
            figures = f"{auc(scores, items):.3f} / {cross_validated(scores, items):.3f}"
            rows.setdefault(name, []).append(figures)
    yield "| AUC / balanced accuracy | " + " | ".join(f"{name} ({len(sets[name]):,})" for name in sets) + " |"
    yield "| --- |" + " --- |" * len(sets)
    for name, cells in rows.items():
        yield f"| {name} | " + " | ".join(cells) + " |"


def main() -> int:
    """Print the table; returns the exit code."""
    try:
        embed: Embed = import_module("static_model").get_embeddings
    except ImportError:
        print("static_model is not installed: pip install tokenlearn-static-model", file=sys.stderr)
        return 2
    print("\n".join(markdown(Path(sys.argv[1]), embed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
