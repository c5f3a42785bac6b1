"""`train`, `extract`, `evaluate` and `check`, as a person or a script calls them."""

from __future__ import annotations

import pickle
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

SPLITS = ("train", "validation", "test")
Run = Callable[..., Any]


def everything_under(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


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


def extract_arguments(
    workplace: Path, archive: Path, root: Path, **changed: object
) -> list[object]:
    given = {
        "data": f"npz:{archive}",
        "weights": workplace / "w.safetensors",
        "repository": root / "r",
        "name": "three",
        **changed,
    }
    pairs = ((f"--{key}", value) for key, value in given.items())
    return ["extract", *(item for pair in pairs for item in pair)]


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
