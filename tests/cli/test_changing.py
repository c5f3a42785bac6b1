"""`proofsight flip`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proofsight.v1 import explanations_pb2

Run = Callable[..., tuple[int, str, str]]


def test_a_flip_prints_what_must_change(run: Run, png: Path) -> None:
    code, out, err = run("flip", png, "--kb", "digits")
    assert (code, err) == (0, "")
    assert out == (
        "digit_1 instead of digit_7, if 2 propositions change:\n"
        "├─ conv3_c12 becomes inactive: its value falls from 4.312 to 2.1 or less, but stays "
        "above 0.5  ['left wall']\n"
        "└─ conv3_c40 becomes active: its value rises from 0.1 to above 0.41\n"
    )
    assert run("flip", png, "--tree")[1] == out


def test_a_flip_as_a_term(run: Run, png: Path) -> None:
    assert run("flip", png, "--prolog")[1] == (
        "flip('FOUND',digit_1,[change(conv3_c12,4.3125,at_most(2.1)),"
        "change(conv3_c40,0.1,above(0.41))],2).\n"
    )


def test_a_class_is_wanted_by_name_or_by_index(run: Run, server: Any, png: Path) -> None:
    assert run("flip", png)[0] == 0
    assert server.requests[-1].class_name == ""
    for wanted in ("digit_1", "0"):
        assert run("flip", png, "--class", wanted)[0] == 0
        assert server.requests[-1].class_name == "digit_1"
    code, out, err = run("flip", png, "--class", "2")
    assert (code, out) == (1, "")
    assert "no class 2" in err


def test_limits_and_the_entry_layer_go_along(run: Run, server: Any, png: Path) -> None:
    words = ["--max-steps", "7", "--max-inferences", "5000", "--entry", "conv3"]
    assert run("flip", png, *words)[0] == 0
    sent = server.requests[-1]
    assert (sent.max_steps, sent.max_inferences, sent.entry) == (7, 5000, "conv3")


@pytest.mark.parametrize("wrong", ["0", "-1", "many"])
def test_a_limit_is_a_number_above_zero(run: Run, png: Path, wrong: str) -> None:
    assert run("flip", png, "--max-steps", wrong)[0] == 2


def test_a_program_at_odds_with_its_network_is_told_of(run: Run, server: Any, png: Path) -> None:
    server.flip.decision.class_name = "digit_1"
    assert "the network itself says digit_7 (0.750)" in run("flip", png)[2]
    assert run("flip", png, "--json")[2] == ""


def test_that_nothing_is_enough_is_an_answer(run: Run, server: Any, png: Path) -> None:
    server.flip = explanations_pb2.FlipResponse(
        decision=server.flip.decision,
        flipped=server.flip.decision,
        status=explanations_pb2.FLIP_STATUS_IMPOSSIBLE,
    )
    code, out, err = run("flip", png, "--class", "digit_1")
    assert (code, err) == (0, "")
    assert out == "no change of the observed propositions has digit_1 decided instead of digit_7\n"
