"""The embedding baseline: what is near what, by an embedding that counts letters."""

from collections.abc import Sequence

import pytest

from benchmarks.gate.embedding import nearness, vectors
from benchmarks.gate.labelled import Item


def letters(texts: Sequence[str]) -> list[list[float]]:
    return [[float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]


def test_a_claim_is_nearest_to_the_sentence_that_it_is_and_less_near_to_all_of_the_evidence():
    items = [
        Item("The jury won.", "Quick foxes jump. The jury won.", supported=True, group="a"),
        Item("The jury won.", "Quick foxes jump.", supported=False, group="b"),
    ]
    near = nearness(items, letters)
    assert near["embedding, nearest sentence"][0] == pytest.approx(1.0)
    assert near["embedding, whole evidence"][0] < 1
    for scores in near.values():
        assert scores[1] < scores[0]


def test_each_text_is_embedded_once_in_bounded_batches():
    asked: list[list[str]] = []

    def counting(texts: list[str]) -> list[list[float]]:
        asked.append(texts)
        return letters(texts)

    known = vectors([f"text {number % 300} {'ab' * (number % 300)}" for number in range(600)], counting)
    assert (len(known), [len(texts) for texts in asked]) == (300, [256, 44])
