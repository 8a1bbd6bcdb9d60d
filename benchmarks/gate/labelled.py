"""Level 2 on labelled data: the gate's support and verdict beside the usual lexical measures.

A folder with ``wice/oracle_chunks_claim_dev.jsonl`` (ryokamoi/wice) and ``begin/begin_dev_wow.tsv``,
``begin/begin_dev_cmu.tsv`` (google/BEGIN-dataset). The evidence is passage and quote, so that levels 0 and 1 hold and
only level 2 is measured. Every threshold but the gate's own is chosen by cross-validation over groups: items that share
a claim or a knowledge text are in one fold.
"""

from __future__ import annotations

import csv
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.contracts import EvalReport
from orchestrator.contracts.attributed import AttributedAnswer
from orchestrator.evidence import judge_answer
from orchestrator.evidence.wording import strictly
from orchestrator.language import content_words, words

FOLDS = 10


@dataclass(frozen=True)
class Item:
    """A claim, what it should rest on, and whether people found that it does."""

    claim: str
    evidence: str
    supported: bool
    group: str


def read_wice(folder: Path) -> list[Item]:
    """The oracle chunks of the development set; partly supported is not supported."""
    lines = (folder / "wice" / "oracle_chunks_claim_dev.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Item(d["claim"], " ".join(d["evidence"]), d["label"] == "supported", d["meta"]["id"])
        for d in map(json.loads, lines)
    ]


def read_begin(folder: Path, name: str) -> list[Item]:
    """One development set of BEGIN; generic and not fully attributable responses are not supported."""
    with (folder / "begin" / f"begin_dev_{name}.tsv").open(encoding="utf-8", newline="") as file:
        return [
            Item(
                row["response"],
                row["knowledge"],
                row["begin_label"] == "Fully attributable",
                row["knowledge"],
            )
            for row in csv.DictReader(file, delimiter="\t")
        ]


def read_all(folder: Path) -> dict[str, list[Item]]:
    """All three sets by name."""
    return {
        "WiCE": read_wice(folder),
        "BEGIN-WoW": read_begin(folder, "wow"),
        "BEGIN-CMU": read_begin(folder, "cmu"),
    }


def judged(item: Item) -> EvalReport:
    """What the gate says of an item."""
    passage = {"id": "p", "source": "text", "text": item.evidence}
    claim = {"id": "c", "text": item.claim, "citations": [{"passage_id": "p", "quote": item.evidence}]}
    return judge_answer(AttributedAnswer.model_validate({"passages": [passage], "claims": [claim]}))


def measures(items: Sequence[Item]) -> dict[str, Callable[[Item], float]]:
    """The lexical measures that the gate is compared with, by name."""
    documents = {item.evidence for item in items}
    frequency = Counter(word for text in documents for word in content_words(text).keys())  # noqa: SIM118 - a set of words

    def idf(word: str) -> float:
        return math.log((len(documents) + 1) / (frequency[word] + 0.5))

    def contained(item: Item) -> float:
        claim = set(words(item.claim))
        return len(claim & set(words(item.evidence))) / (len(claim) or 1)

    def idf_contained(item: Item) -> float:
        claim, known = set(content_words(item.claim)), set(content_words(item.evidence))
        # Exact sums: a set has another order in each run, and a score that differs in its last digit another rank.
        return math.fsum(map(idf, claim & known)) / (math.fsum(map(idf, claim)) or 1)

    return {
        "ROUGE-1": lambda item: _rouge_n(item, 1),
        "ROUGE-2": lambda item: _rouge_n(item, 2),
        "ROUGE-L": _rouge_l,
        "token containment": contained,
        "idf containment": idf_contained,
    }


def _rouge_n(item: Item, n: int) -> float:
    claim, evidence = (_ngrams(words(text), n) for text in (item.claim, item.evidence))
    return _f1((claim & evidence).total(), claim.total(), evidence.total())


def _ngrams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def _rouge_l(item: Item) -> float:
    claim, evidence = words(item.claim), words(item.evidence)
    row = [0] * (len(evidence) + 1)
    for word in claim:
        last, row = row, [0]
        for j, other in enumerate(evidence):
            row.append(last[j] + 1 if word == other else max(last[j + 1], row[-1]))
    return _f1(row[-1], len(claim), len(evidence))


def _f1(shared: int, first: int, second: int) -> float:
    return 2 * shared / (first + second) if shared else 0.0


def auc(scores: Sequence[float], items: Sequence[Item]) -> float:
    """Chance that a supported item scores above one that is not, ties counted half."""
    ranked = sorted(zip(scores, (item.supported for item in items), strict=True))
    good = sum(supported for _, supported in ranked)
    rank_sum, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        rank_sum += sum(supported for _, supported in ranked[at:end]) * (at + end + 1) / 2
        at = end
    return (rank_sum - good * (good + 1) / 2) / (good * (len(ranked) - good))


def balanced_accuracy(said: Sequence[bool], items: Sequence[Item]) -> float:
    """Mean of the shares that were right among the supported and among the others."""
    right = Counter((item.supported, says == item.supported) for says, item in zip(said, items, strict=True))
    return sum(right[label, True] / (right[label, True] + right[label, False]) for label in (True, False)) / 2


def cross_validated(scores: Sequence[float], items: Sequence[Item]) -> float:
    """Balanced accuracy where each fold's threshold is the best one of the other folds."""
    fold_of = folds(items)
    said = [False] * len(items)
    for fold in range(FOLDS):
        rest = [i for i, item in enumerate(items) if fold_of[item.group] != fold]
        chosen = [items[i] for i in rest]
        steps = sorted({scores[i] for i in rest})
        candidates = steps[:: max(1, len(steps) // 200)]
        best = max(candidates, key=lambda t: balanced_accuracy([scores[i] >= t for i in rest], chosen))
        for i, item in enumerate(items):
            if fold_of[item.group] == fold:
                said[i] = scores[i] >= best
    return balanced_accuracy(said, items)


def folds(items: Sequence[Item]) -> dict[str, int]:
    """The fold of every group."""
    groups = sorted({item.group for item in items})
    random.Random(0).shuffle(groups)
    return {group: number % FOLDS for number, group in enumerate(groups)}


def markdown(folder: Path) -> Iterator[str]:
    """AUC and balanced accuracy of every measure on every set; then how many claims pass, also strictly."""
    sets = read_all(folder)
    rows: dict[str, list[str]] = {}
    passing: Counter[tuple[str, bool]] = Counter()

    def add(name: str, auc_: float | None, accuracy: float) -> None:
        rows.setdefault(name, []).append(f"{'-' if auc_ is None else f'{auc_:.3f}'} / {accuracy:.3f}")

    for items in sets.values():
        for name, measure in measures(items).items():
            scores = [measure(item) for item in items]
            add(name, auc(scores, items), cross_validated(scores, items))
        reports = [judged(item) for item in items]
        support = [report.claims[0].support or 0.0 for report in reports]
        add("support, at 0.5", auc(support, items), balanced_accuracy([s >= 0.5 for s in support], items))
        add("verdict", None, balanced_accuracy([report.verdict == "pass" for report in reports], items))
        for item, report in zip(items, reports, strict=True):
            passing["verdict", item.supported] += report.verdict == "pass"
            passing["verdict, strict", item.supported] += strictly(report).verdict == "pass"
    yield "| AUC / balanced accuracy | " + " | ".join(f"{name} ({len(sets[name]):,})" for name in sets) + " |"
    yield "| --- |" + " --- |" * len(sets)
    for name, cells in rows.items():
        yield f"| {name} | " + " | ".join(cells) + " |"
    total = Counter(item.supported for items in sets.values() for item in items)
    yield ""
    yield f"| passes, of all three | supported ({total[True]:,}) | unsupported ({total[False]:,}) |"
    yield "| --- | ---: | ---: |"
    for name in dict.fromkeys(name for name, _ in passing):
        yield f"| {name} | {passing[name, True]:,} | {passing[name, False]:,} |"
