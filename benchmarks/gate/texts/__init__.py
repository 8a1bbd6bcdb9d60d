"""The texts that the mutation set is made of: passages between blank lines; a line with # says where they are from."""

from __future__ import annotations

from pathlib import Path


def shipped_texts() -> list[str]:
    """Every passage of the files beside this module, in the order of their names."""
    return [
        passage
        for file in sorted(Path(__file__).parent.glob("*.txt"))
        for passage in passages_of(file.read_text(encoding="utf-8"))
    ]


def passages_of(text: str) -> list[str]:
    """The passages of one file."""
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return [passage.strip() for passage in kept.split("\n\n") if passage.strip()]


def paraphrases() -> list[tuple[str, str]]:
    """Sentences, most of them of these texts, and each with one word for another of the same meaning."""
    lines = (Path(__file__).parent / "paraphrases.tsv").read_text(encoding="utf-8").splitlines()
    return [(quote, claim) for quote, claim in (line.split("\t") for line in lines)]
