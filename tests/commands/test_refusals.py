"""What `train`, `extract`, `evaluate` and `check` refuse, and how they tell it."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.commands.asked import everything_under, extract_arguments

Run = Callable[..., Any]


# --- programs spoilt by hand ------------------------------------------------------

SPOILT = {
    "a syntax error": ("class(Image, one) :- rule(r90, Image) active(Image, x).", "syntax_error"),
    "an undeclared proposition": (
        "class(Image, one) :- rule(r90, Image), active(Image, conv9_c9).",
        "undeclared_proposition",
    ),
    "a negative cycle": (
        "ab(r90, Image) :- rule(r90, Image), \\+ ab(r90, Image).",
        "negative_cycle",
    ),
    "a directive": (":- initialization(halt).", "directive"),
    "a clause without its name": ("class(Image, one) :- active(Image, x).", "missing_rule"),
}


@pytest.mark.parametrize(("line", "code"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_program_is_refused_with_file_line_and_column(
    run: Run, copied: Path, archive: Path, line: str, code: str
) -> None:
    rules = copied / "rules.pl"
    rules.write_text(f"{line}\n{rules.read_text()}")
    before = {path.name: path.read_bytes() for path in copied.iterdir()}
    ran = run("check", copied)
    assert ran.code == 1
    assert re.search(rf"(?m)^{re.escape(str(rules))}:1:\d+: error: ", ran.out)
    assert re.search(r"(?m)^three/1: [1-9]\d* errors?, ", ran.out)
    ran = run("check", copied, "--json")
    assert ran.code == 1
    assert not ran.document["ok"]
    assert code in {issue["code"] for issue in ran.document["issues"]}
    ran = run("evaluate", copied, "--data", f"npz:{archive}")
    assert ran.code == 1
    assert re.search(rf"(?m)^proofsight: error: {re.escape(str(rules))}:1:\d+: ", ran.err)
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == before


def test_a_remark_added_by_hand_passes_the_check_and_is_told(run: Run, copied: Path) -> None:
    rules = copied / "rules.pl"
    rules.write_text(f"% mine\n{rules.read_text()}")
    ran = run("check", copied)
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "three/1: edited since measured: rules.pl"


# --- refused requests ---------------------------------------------------------------


def refused(ran: Any, *parts: str) -> None:
    assert ran.code == 1
    assert ran.out == ""
    (line,) = [line for line in ran.err.splitlines() if "error" in line]
    assert line.startswith("proofsight: error: ")
    for part in parts:
        assert part in line
    assert "Traceback" not in ran.err


CONFLICTS: list[tuple[dict[str, object], tuple[str, ...]]] = [
    ({"model": "torchvision:resnet18"}, ("torchvision:resnet18", "small-cnn")),
    ({"normalize": "0.5/0.5"}, ("--normalize", "0.5", "none")),
    ({"size": 16}, ("--size", "16", "8")),
    ({"scale": "1"}, ("--scale", "1.0", "0.0039")),
    ({"data": "digits"}, ("digit_0", "zero, one, two")),
    ({"layer": "conv7"}, ("conv7", "nearest", "conv3")),
    ({"learner": "forest"}, ("forest", "tree")),
    ({"name": "My KB"}, ("My KB", "a-z")),
    ({"data": "npz:/nowhere.npz"}, ("/nowhere.npz",)),
    ({"weights": "/nowhere.safetensors"}, ("/nowhere.safetensors",)),
    ({"grid": 50}, ("grid", "50")),
]


@pytest.mark.parametrize(
    ("changed", "parts"), CONFLICTS, ids=[" ".join(map(str, c)) for c, _ in CONFLICTS]
)
def test_what_cannot_be_extracted_is_one_line_that_shows_both_sides(
    run: Run,
    workplace: Path,
    archive: Path,
    tmp_path: Path,
    changed: dict[str, object],
    parts: tuple[str, ...],
) -> None:
    refused(run(*extract_arguments(workplace, archive, tmp_path, **changed)), *parts)
    assert everything_under(tmp_path) == []


def test_a_pickle_is_refused_and_a_state_dict_is_not(
    run: Run, workplace: Path, archive: Path, tmp_path: Path
) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("the pickle ran",)

    pickled = tmp_path / "w.pt"
    pickled.write_bytes(pickle.dumps({"weight": Trap()}))
    here = tmp_path / "here"
    ran = run(*extract_arguments(workplace, archive, here, weights=pickled, model="small-cnn"))
    refused(ran, str(pickled))
    torch.save({"weight": torch.zeros(1)}, pickled)
    ran = run(*extract_arguments(workplace, archive, here, weights=pickled, model="small-cnn"))
    refused(ran, "does not fit")
    assert everything_under(tmp_path) == ["w.pt"]


def test_truncated_weights_are_refused(
    run: Run, workplace: Path, archive: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((workplace / "w.safetensors").read_bytes()[:-100])
    refused(run(*extract_arguments(workplace, archive, tmp_path, weights=cut)), str(cut))


def test_an_unknown_revision_is_told_with_the_nearest(run: Run, workplace: Path) -> None:
    repository = workplace / "repository"
    refused(run("check", repository / "thre"), "'thre'", "nearest: three")
    refused(run("check", repository / "three" / "9"), "three/9", "nearest: three/1")
    refused(run("evaluate", repository / "thre", "--data", "digits"), "nearest: three")
    refused(run("check", workplace / "nowhere" / "three"), "no repository")


def test_a_half_written_revision_names_what_is_missing(run: Run, copied: Path) -> None:
    (copied / "quantiser.pl").unlink()
    refused(run("check", copied), "quantiser.pl is missing")
    refused(run("evaluate", copied, "--data", "digits"), "quantiser.pl is missing")


def test_an_error_under_json_is_a_document_too(run: Run, workplace: Path) -> None:
    ran = run("check", workplace / "repository" / "thre", "--json")
    assert ran.code == 1
    assert ran.document["error"]["reason"] == "UNKNOWN_KB"


def test_weights_that_could_not_be_written_are_refused_before_training(
    run: Run, archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "nowhere" / "w.safetensors"
    ran = run("train", "--data", f"npz:{archive}", "--out", out)
    refused(ran, str(out))
    assert "training" not in ran.err


def test_a_penalty_without_elites_is_refused(run: Run, archive: Path, tmp_path: Path) -> None:
    ran = run("train", "--data", f"npz:{archive}", "--out", tmp_path / "w", "--elite-lambda", "0.1")
    refused(ran, "--elite-lambda belongs to --elite")


def test_a_missing_prolog_says_what_to_install(
    run: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    refused(run("check", workplace / "repository" / "three"), "install swi-prolog-nox")
