"""A network that does not fit the data's labels is told, with what to look at."""

from __future__ import annotations

import numpy as np

from proofsight_server.extraction.misfit import misfit_of
from proofsight_server.extraction.probing import Seen
from proofsight_server.symbols.feature import Ints

CLASSES = ("cat", "dog", "owl")
LABELS = np.repeat([0, 1, 2], (50, 30, 20))


def misfit(decisions: Ints, labels: Ints | None = LABELS) -> str | None:
    return misfit_of(
        {"test": Seen(np.zeros((len(decisions), 0), np.float32), decisions, labels)}, CLASSES
    )


def test_outputs_in_another_order_are_told_with_the_order_that_fits() -> None:
    told = misfit(np.array([2, 0, 1])[LABELS])
    assert told is not None
    assert "3 (dog, owl, cat), in this order: as such they are right on 1.0000" in told


def test_a_network_below_its_most_frequent_class_is_told_with_both_figures() -> None:
    rng = np.random.default_rng(1)
    told = misfit(rng.permutation(LABELS))
    assert told is not None
    assert "less often than if it always said cat (0.5000)" in told
    assert "--normalize" in told


def test_a_network_that_always_says_the_most_frequent_class_is_not_told() -> None:
    assert misfit(np.zeros_like(LABELS)) is None


def test_images_of_one_class_and_images_without_labels_say_nothing_of_the_network() -> None:
    wrong = np.ones(100, dtype=np.int64)
    assert misfit(wrong, np.zeros_like(wrong)) is None
    assert misfit(wrong, None) is None
