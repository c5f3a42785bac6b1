from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.errors import BadOption, BadTensor, UnknownClass
from proofsight_server.interactions.score import Score, check_moves, parse_score

CLASSES = ("a", "b", "c")


@settings(deadline=None)
@given(
    st.lists(st.lists(st.floats(-30, 30), min_size=3, max_size=3), min_size=1, max_size=8),
    st.integers(0, 2),
)
def test_margin_and_log_odds_are_positive_where_the_class_wins_and_where_p_is_above_half(
    rows: list[list[float]], chosen: int
) -> None:
    logits = np.array(rows) - 100  # so that they are no probabilities
    margin = Score("margin").of(logits, chosen, CLASSES)
    odds = Score().of(logits, chosen, CLASSES)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = p[:, chosen] / p.sum(axis=1)
    others = np.delete(logits, chosen, axis=1).max(axis=1)
    assert np.array_equal(margin > 0, logits[:, chosen] > others)
    clear = np.abs(p - 0.5) > 1e-9
    assert np.array_equal((odds > 0)[clear], (p > 0.5)[clear])
    assert np.all(odds <= margin + 1e-9)


def test_scores_do_not_saturate_at_large_logits() -> None:
    logits = np.array([[1e3, 0.0, -5.0], [-1e3, 0.0, -5.0], [1e3 + 1, 0.0, -5.0]])
    for kind in ("log_odds", "margin", "logit"):
        scores = parse_score(kind).of(logits, 0, CLASSES)
        assert scores[2] - scores[0] == 1
        assert scores[1] < -990
    assert Score("contrast", "c").of(logits, 0, CLASSES)[0] == 1005


def test_probabilities_and_infinite_logits_are_refused() -> None:
    logits = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    with pytest.raises(BadTensor, match="gives probabilities"):
        Score().of(logits, 0, CLASSES)
    Score().of(logits - 1, 0, CLASSES)
    with pytest.raises(BadTensor, match="for mask 1; scores need finite logits"):
        Score().of(np.array([[0, 1, 5], [0, np.nan, 1]]), 0, CLASSES)


def test_a_contrast_is_with_another_class_that_exists() -> None:
    logits = np.array([[0.0, 1.0, 5.0]])
    assert Score("contrast", "b").of(logits, 2, CLASSES).tolist() == [4.0]
    assert Score("contrast", "1").of(logits, 2, CLASSES).tolist() == [4.0]
    assert str(Score("contrast", "1").named(2, CLASSES)) == "contrast:b"
    with pytest.raises(UnknownClass, match="no class named 'd'"):
        Score("contrast", "d").of(logits, 2, CLASSES)
    with pytest.raises(BadOption, match="contrasted with itself"):
        Score("contrast", "c").of(logits, 2, CLASSES)


@pytest.mark.parametrize("text", ["odds", "contrast", "margin:b", "probability", ""])
def test_other_scores_are_refused(text: str) -> None:
    with pytest.raises(BadOption, match="score"):
        parse_score(text)


@pytest.mark.parametrize("text", ["log_odds", "margin", "logit", "contrast:two words"])
def test_scores_are_read_back_from_their_text(text: str) -> None:
    assert str(parse_score(text)) == text


def test_constant_and_saturated_scores_are_refused_and_an_or_is_not() -> None:
    with pytest.raises(BadTensor, match=r"whatever is masked"):
        check_moves(np.full(8, 3.25), "net/1")
    with pytest.raises(BadTensor, match=r"saturated: 75% of the masks"):
        check_moves(np.array([16.1, 16.1, 16.1, 2.0, 16.1, 16.1, 1.0, 16.1]), "net/1")
    check_moves(np.array([0.0, 1, 1, 2, 0, 1, 1, 2]), "net/1")
