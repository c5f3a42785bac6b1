"""What `proofsight landscape` takes."""

from __future__ import annotations

import argparse

import pytest

from proofsight_server.commands.landscape import UNITS, add_arguments


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["R/digits", *words])


def test_units_are_a_number_or_all_of_them() -> None:
    assert parsed().units == UNITS
    assert parsed("--units", "3").units == 3
    assert parsed("--units", "all").units is None


@pytest.mark.parametrize("text", ["0", "many"])
def test_other_units_are_refused_with_what_may_stand_there(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed("--units", text)
    assert "; or all" in capsys.readouterr().err
