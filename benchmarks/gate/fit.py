"""``python -m benchmarks.gate.fit DIR``: the weights of ``orchestrator.evidence.support``, and how they transfer.

Logistic regression with a small penalty; every set weighs the same, and so do both answers within it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from benchmarks.gate.labelled import FOLDS, Item, auc, balanced_accuracy, folds, judged, read_all
from orchestrator.evidence import coverage
from orchestrator.evidence.support import _MAX_COUNTED, Support, support

Array = npt.NDArray[np.float64]
NAMES = ("content", "contained", "name", "number", "personal")
PENALTY = 0.003


def counts(item: Item) -> list[float]:
    """The five counts of an item, as the gate makes them."""
    kept: list[Support] = []

    def keep(*args: object, **kwargs: object) -> Support:
        kept.append(support(*args, **kwargs))  # type: ignore[arg-type] # handed through as they are
        return kept[-1]

    with patch.object(coverage, "support", keep):
        judged(item)
    if not kept:
        return [0.0, 0.0, 0.0, 0.0, 0.0]
    s = kept[0]
    missing = (min(s.missing_names, _MAX_COUNTED), min(s.missing_numbers, _MAX_COUNTED))
    return [s.content, s.contained, *missing, float(s.personal)]


def fitted(features: Array, labels: Array, weights: Array) -> Array:
    """Bias and weights."""
    mean, spread = features.mean(0), features.std(0) + 1e-9
    scaled = (features - mean) / spread

    def loss(b: Array) -> float:
        logits = scaled @ b[1:] + b[0]
        likelihood = weights @ (np.logaddexp(0, logits) - labels * logits) / weights.sum()
        return float(likelihood + PENALTY * (b[1:] ** 2).sum())

    b = minimize(loss, np.zeros(features.shape[1] + 1), method="L-BFGS-B").x
    raw: Array = np.concatenate([[b[0] - (b[1:] * mean / spread).sum()], b[1:] / spread])
    return raw


def main() -> None:
    """Print the weights of all data, cross-validated figures, and those of weights that never saw a set."""
    sets = read_all(Path(sys.argv[1]))
    features = {name: np.array([counts(item) for item in items]) for name, items in sets.items()}
    labels = {name: np.array([float(item.supported) for item in items]) for name, items in sets.items()}
    weights = {
        name: np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean())) / len(y) for name, y in labels.items()
    }
    fold_of = {name: np.array([folds(items)[item.group] for item in items]) for name, items in sets.items()}

    def fit(keep: dict[str, npt.NDArray[np.bool_]]) -> Array:
        return fitted(*(np.concatenate([d[n][keep[n]] for n in keep]) for d in (features, labels, weights)))

    everything = fit({name: np.ones(len(y), bool) for name, y in labels.items()})
    print(
        "bias",
        round(float(everything[0]), 2),
        dict(zip(NAMES, everything[1:].round(2).tolist(), strict=True)),
    )
    for name, items in sets.items():
        logits = np.zeros(len(items))
        for fold in range(FOLDS):
            b = fit({other: fold_of[other] != fold for other in sets})
            here = fold_of[name] == fold
            logits[here] = features[name][here] @ b[1:] + b[0]
        unseen = fit({other: np.ones(len(labels[other]), bool) for other in sets if other != name})
        foreign = features[name] @ unseen[1:] + unseen[0]
        for how, scores in (("cross-validated", logits), ("fitted on the others", foreign)):
            accuracy = balanced_accuracy([bool(s >= 0) for s in scores], items)
            print(f"{name} {how}: AUC {auc(scores.tolist(), items):.3f}, balanced accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
