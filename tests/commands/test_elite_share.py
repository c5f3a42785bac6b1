"""What `train --elite` tells of the channels that it left to each class."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofsight_server.commands.train import print_elite
from proofsight_server.vision.elite import EliteReport, State


def test_the_elite_share_stands_beside_those_of_a_control_and_of_random_channels(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, control, after = (
        State(strength, share, 1.0, 0, 0.98)
        for strength, share in ((0.0, 0.15), (0.0, 0.19), (0.1, 0.5))
    )
    report = EliteReport("conv3", 5, before, after, control, 5 / 128, (control, after), (), ())
    print_elite(report)
    told = [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert told[2:5] == [
        ["before", "0.1500", "1"],
        ["λ", "=", "0,"],
        ["λ", "=", "0.1,"],
    ]
    print_elite(replace(report, control=None))
    *_, random, remedy = capsys.readouterr().out.splitlines()
    assert random == "of channels drawn at random the elite share would be 0.0391"
    assert "--elite-lambda 0,0.1" in remedy


def test_a_penalty_that_costs_too_much_is_shown_beside_the_control_that_is_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, control, costly = (
        State(strength, share, 1.0, 0, accuracy)
        for strength, share, accuracy in ((0.0, 0.15, 0.98), (0.0, 0.19, 0.98), (0.1, 0.5, 0.97))
    )
    report = EliteReport("conv3", 5, before, control, control, 0.04, (control, costly), (), ())
    print_elite(report)
    told = capsys.readouterr().out
    assert "λ = 0, the control, kept" in told
    assert "λ = 0.1 " in told
    assert "no penalty is kept" in told
