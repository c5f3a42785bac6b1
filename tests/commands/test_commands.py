"""`train`, `extract`, `evaluate` and `check`, as a person or a script calls them."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.asked import everything_under, extract_arguments

SPLITS = ("train", "validation", "test")
Run = Callable[..., Any]


# --- what works -----------------------------------------------------------------


def test_train_prints_figures_as_one_json_document(run: Run, archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    ran = run(
        "train", "--data", f"npz:{archive}", "--model", "small-cnn", "--out", out,
        "--epochs", 1, "--elite", 5, "--json",
    )  # fmt: skip
    assert ran.code == 0
    assert all(0 <= ran.document[name]["accuracy"] <= 1 for name in SPLITS)
    assert ran.document["elite"]["k"] == 5
    assert everything_under(tmp_path) == ["w.safetensors"]
    assert "training" in ran.err and "\x1b" not in ran.err


def test_train_begins_with_weights_and_a_learner_takes_its_options(
    run: Run, workplace: Path, archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "w.safetensors"
    ran = run(
        "train", "--data", f"npz:{archive}", "--weights", workplace / "w.safetensors",
        "--out", out, "--epochs", 1, "--elite", 5, "--json",
    )  # fmt: skip
    assert ran.code == 0
    assert (ran.document["model"], ran.document["epochs"]) == ("small-cnn", 0)
    extract = (
        "extract", "--data", f"npz:{archive}", "--weights", out, "--repository", tmp_path / "r",
        "--name", "three", "--learner", "fold",
    )  # fmt: skip
    ran = run(*extract, "--learner-option", "tail=0.1", "--learner-option", "max_depth=none")
    assert ran.code == 0
    ran = run(*extract, "--learner-option", "tial=0.1")
    assert ran.code == 1
    assert "the fold learner has no option 'tial'; it has max_rules, ratio, tail" in ran.err
    assert run(*extract, "--learner-option", "tail").code == 2


def test_extract_takes_model_classes_and_seed_from_the_weights(
    run: Run, workplace: Path, archive: Path, tmp_path: Path
) -> None:
    ran = run(
        "extract", "--data", f"npz:{archive}", "--weights", workplace / "w.safetensors",
        "--repository", tmp_path / "r", "--name", "three", "--layer", "conv2", "--layer", "fc1",
        "--grid", "1,2", "--threshold", "info-gain", "--reduction", "mean", "--json",
    )  # fmt: skip
    assert ran.code == 0
    document = ran.document
    assert document["seed"] == 3
    assert document["revision"] == "three/1"
    assert Path(document["directory"]) == tmp_path / "r" / "three" / "1"
    assert {"rules", "literals", "atoms"} <= set(document)
    for name in SPLITS:
        assert {"images", "accuracy", "cnn_accuracy", "fidelity", "undecided"} <= set(
            document[name]
        )
    text = (tmp_path / "r" / "three" / "1" / "quantiser.pl").read_text()
    assert "layer(conv2, " in text and "layer(fc1, " in text and "grid(2,2)" in text


def test_flags_that_agree_with_the_weights_are_accepted(
    run: Run, workplace: Path, archive: Path, tmp_path: Path
) -> None:
    ran = run(
        "extract", "--data", f"npz:{archive}", "--weights", workplace / "w.safetensors",
        "--repository", tmp_path / "r", "--name", "three", "--model", "small-cnn",
        "--scale", "1/255", "--size", 8,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "fidelity" in ran.out and "rules" in ran.out


def test_evaluate_prints_the_documented_document(run: Run, workplace: Path, archive: Path) -> None:
    name = workplace / "repository" / "three" / "1"
    ran = run("evaluate", name, "--data", f"npz:{archive}", "--json")
    assert ran.code == 0
    for split in SPLITS:
        figures = ran.document[split]
        assert figures["images"] > 0
        for key in ("accuracy", "cnn_accuracy", "fidelity", "undecided"):
            assert 0 <= figures[key] <= 1
    assert ran.document["seed"] == 3
    assert ran.document["rules"] <= 8
    assert ran.document["note"] == "the same figures as at extraction"


def test_evaluate_prints_a_plain_table_off_a_terminal(
    run: Run, workplace: Path, archive: Path
) -> None:
    ran = run("evaluate", workplace / "repository" / "three", "--data", f"npz:{archive}")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[1].split()[:3] == ["split", "images", "accuracy"]
    assert [line.split()[0] for line in lines[2:5]] == list(SPLITS)
    assert ran.out.isprintable() or "\x1b" not in ran.out


def test_evaluate_measures_an_edited_program_and_says_so(
    run: Run, copied: Path, archive: Path
) -> None:
    rules = copied / "rules.pl"
    rules.write_text(re.sub(r"(?m)^default_class.*$", "default_class(two).", rules.read_text()))
    ran = run("evaluate", copied, "--data", f"npz:{archive}")
    assert ran.code == 0
    assert "edited since measured: rules.pl" in ran.out


def test_check_of_a_published_revision_finds_nothing(run: Run, workplace: Path) -> None:
    ran = run("check", workplace / "repository" / "three")
    assert ran.code == 0
    assert ran.out.splitlines()[-1].startswith("three/1: no errors, no warnings; ")
    ran = run("check", workplace / "repository" / "three" / "1", "--json")
    assert ran.code == 0
    assert ran.document["ok"] and not ran.document["edited_since_measured"]
    assert ran.document["issues"] == []


# --- wrong usage ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["extract", "--data", "digits"],
        ["extract", "--data", "d", "--weights", "w", "--repository", "r", "--name", "n",
         "--max-rules", "1"],
        ["extract", "--data", "d", "--weights", "w", "--repository", "r", "--name", "n",
         "--threshold", "median"],
        ["extract", "--data", "d", "--weights", "w", "--repository", "r", "--name", "n",
         "--grid", "0"],
        ["train", "--data", "digits", "--out", "w", "--epochs", "0"],
        ["train", "--data", "digits", "--out", "w", "--normalize", "half"],
        ["train", "--data", "digits", "--out", "w", "--normalize", "0.5/0"],
        ["train", "--data", "digits", "--out", "w", "--scale", "-1"],
        ["evaluate", "r/kb"],
        ["check"],
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert "usage: proofsight" in ran.err
    assert ran.out == ""


# --- Ctrl-C ---------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["training", "probing", "learning"])
def test_ctrl_c_is_exit_code_130_and_leaves_nothing(
    word: str, start: Run, workplace: Path, archive: Path, tmp_path: Path
) -> None:
    if word == "training":
        arguments: list[object] = [
            "train", "--data", f"npz:{archive}", "--out", tmp_path / "w", "--epochs", 300,
        ]  # fmt: skip
    else:
        arguments = extract_arguments(workplace, archive, tmp_path)
    with start(*arguments) as process:
        for line in process.stderr:
            if word in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert everything_under(tmp_path) == []


def test_a_reader_that_has_seen_enough_is_no_error_to_be_traced(
    start: Run, workplace: Path
) -> None:
    with start("check", workplace / "repository" / "three", "--json") as process:
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
