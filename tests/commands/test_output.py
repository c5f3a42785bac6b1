"""What commands print: plain off a terminal, one line per error."""

from __future__ import annotations

import json
import sys

import pytest

from proofsight_server.commands import progress as progress_module
from proofsight_server.commands.findings import finding_lines
from proofsight_server.commands.outcome import outcome
from proofsight_server.commands.progress import shown
from proofsight_server.commands.table import print_table, share
from proofsight_server.errors import BadOption, BadProgram, Issue


def raising(error: BaseException) -> int:
    def body() -> int:
        raise error

    return outcome(body)


def test_an_error_is_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(BadOption("two\nlines")) == 1
    assert capsys.readouterr().err == "proofsight: error: two lines\n"


def test_a_refused_program_is_one_line_per_finding(capsys: pytest.CaptureFixture[str]) -> None:
    issues = [
        Issue("error", "x", "rules.pl", 3, 7, "first"),
        Issue("error", "x", "rules.pl", 0, 0, "second"),
    ]
    assert raising(BadProgram("summary", issues)) == 1
    assert capsys.readouterr().err.splitlines() == [
        "proofsight: error: rules.pl:3:7: first",
        "proofsight: error: rules.pl: second",
    ]


def test_an_error_of_the_system_names_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(PermissionError(13, "Permission denied", "/x")) == 1
    assert capsys.readouterr().err == "proofsight: error: /x: Permission denied\n"


def test_ctrl_c_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "proofsight: interrupted\n"


@pytest.mark.parametrize("error", [RuntimeError("ours"), ModuleNotFoundError("torch")])
def test_a_defect_and_a_missing_library_are_left_to_the_caller(error: Exception) -> None:
    with pytest.raises(type(error)):
        raising(error)


def test_progress_off_a_terminal_is_a_plain_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000))
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: next(clock))  # type: ignore[attr-defined]
    with shown() as progress:
        for done in range(1, 13):
            progress("training", done, 12)
        progress("training", 12, 12)  # seen again by one who looks twice a second
        progress("learning", 0, 1)
        progress("learning", 1, 1)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "proofsight: training: 1/12",
        "proofsight: training: 6/12",
        "proofsight: training: 11/12",
        "proofsight: training: 12/12",
        "proofsight: learning",
    ]


def test_progress_on_a_terminal_is_a_bar_on_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with shown() as progress:
        progress("training", 1, 2)
        progress("training", 2, 2)
    told = capsys.readouterr()
    assert told.out == ""
    assert "training" in told.err and "2/2" in told.err


def test_a_table_off_a_terminal_is_aligned_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["split", "share"], [["train", share(0.5)], ["validation", share(None)]])
    assert capsys.readouterr().out == (
        "split        share\ntrain       0.5000\nvalidation       –\n"
    )


def test_of_many_findings_of_one_kind_the_first_are_shown() -> None:
    many = [Issue("warning", "unreachable_class", "rules.pl", 9, 1, f"no {n}") for n in range(25)]
    error = Issue("error", "directive", "rules.pl", 1, 1, "no directives")
    shown_lines = list(finding_lines([error, *many]))
    assert len(shown_lines) == 1 + 20 + 1
    assert shown_lines[0] == "rules.pl:1:1: error: no directives"
    assert shown_lines[-1] == "… and 5 more of this warning (unreachable_class); --json lists all"
    assert len(list(finding_lines(many[:20]))) == 20


def test_what_was_found_in_many_places_is_told_at_the_first() -> None:
    def renamed(line: int, name: str = "conv3_c7") -> Issue:
        message = f"no proposition named {name}"
        return Issue("error", "undeclared_proposition", "rules.pl", line, 5, message)

    many = [renamed(line) for line in range(10, 40)]
    assert list(finding_lines([*many, renamed(50, "conv3_c8")])) == [
        "rules.pl:10:5: error: no proposition named conv3_c7 "
        "(29 more like this, in lines 11, 12, 13, …; --json lists all)",
        "rules.pl:50:5: error: no proposition named conv3_c8",
    ]
    assert list(finding_lines(many[:4])) == [
        "rules.pl:10:5: error: no proposition named conv3_c7 "
        "(3 more like this, in lines 11, 12, 13)"
    ]
    assert list(finding_lines([many[0], many[0]])) == [
        "rules.pl:10:5: error: no proposition named conv3_c7 (1 more like this, in line 10)"
    ]


def test_a_program_that_is_refused_has_all_its_findings_in_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    issues = [Issue("error", "unknown_rule", "rules.pl", n, 1, "no rule r9") for n in (3, 7)]

    def body() -> int:
        raise BadProgram("two errors", issues)

    assert outcome(body, json=True) == 1
    told = capsys.readouterr()
    assert told.err == "proofsight: error: rules.pl:3:1: no rule r9 (1 more like this, in line 7)\n"
    found = json.loads(told.out)["error"]["issues"]
    assert [issue["line"] for issue in found] == [3, 7]
