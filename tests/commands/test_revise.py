"""`revise`, `compare`, `causal` and `evaluate` over seeds, as a person calls them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proofsight_server.commands.comparison import print_comparison_document

Run = Callable[..., Any]


def revisions(copied: Path) -> list[str]:
    return sorted(path.name for path in copied.parent.iterdir())


def first_rule(copied: Path) -> str:
    found = re.search(r"rule\((\w+), Image\)", (copied / "rules.pl").read_text().split("\n\n")[1])
    assert found is not None
    return found[1]


def a_channel(copied: Path) -> str:
    found = re.search(r"active\(Image, (\w+)\)", (copied / "rules.pl").read_text())
    assert found is not None
    return found[1]


# --- revise ---------------------------------------------------------------------


def test_revise_tells_figures_before_and_after(run: Run, copied: Path) -> None:
    ran = run("revise", copied.parent, "--mute", a_channel(copied), "--author", "ada")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0].startswith("three/2 is in ") and lines[0].endswith("made from three/1")
    assert [line.split()[0] for line in lines[2:5]] == ["train", "validation", "test"]
    assert "→" in ran.out
    assert revisions(copied) == ["1", "2"]


def test_revise_prints_one_json_document(run: Run, copied: Path) -> None:
    ran = run("revise", copied, "--remove-rule", first_rule(copied), "--json", "--note", "try")
    assert ran.code == 0, ran.err
    document = ran.document
    assert document["revision"] == "three/2"
    assert document["basis"] == "measured"
    assert set(document["comparison"]["validation"]) == {
        "images", "accuracy", "fidelity", "undecided", "changed", "classes",
    }  # fmt: skip
    assert document["comparison"]["entries"] == []
    assert isinstance(document["comparison"]["changed_validation_images"], list)
    assert document["figures"]["rules"] == document["comparison"]["size"]["rules"]["after"]


def test_a_chained_program_is_shown_at_every_entry_and_class(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def split(*, before: float, after: float, changed: int | None) -> dict[str, Any]:
        rates = {key: {"before": before, "after": after} for key in ("accuracy", "fidelity")}
        return {
            "images": 20,
            **rates,
            "undecided": {"before": 0.0, "after": 0.0},
            "changed": changed,
            "classes": {"zero": {**rates, "changed": changed}} if changed else {},
        }

    def entry(**figures: Any) -> dict[str, Any]:
        splits = {name: split(**figures) for name in ("train", "validation", "test")}
        ids = [f"three/{n}" for n in range(figures["changed"] or 0)]
        return {**splits, "changed_validation_images": ids}

    top, low = (
        entry(before=0.9, after=0.9, changed=0),
        entry(before=0.8, after=0.5, changed=12),
    )
    print_comparison_document(
        {
            "parent": "three/1",
            **top,
            "size": {"rules": {"before": 9, "after": 8}},
            "entries": [{"layer": "conv3", **top}, {"layer": "conv2", **low}],
        }
    )
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "entered at split images accuracy fidelity undecided changed"
    assert lines[1] == "conv3 train 20 0.9000 0.9000 0.0000 0"
    assert lines[6] == "conv2 test 20 0.8000 → 0.5000 0.8000 → 0.5000 0.0000 12"
    assert lines[7] == "rules 9 → 8"
    assert lines[-2] == "conv2 zero 0.8000 → 0.5000 0.8000 → 0.5000 12"
    assert lines[-1].startswith("validation images decided otherwise entered at conv2: three/0, ")
    assert lines[-1].endswith("three/9 and 2 more (--json)")


def test_what_a_change_leaves_as_it_was_is_told_in_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def split(*classes: str) -> dict[str, Any]:
        rates = {k: {"before": 0.5, "after": 0.5} for k in ("accuracy", "fidelity", "undecided")}
        own: dict[str, Any] = {"changed": len(classes), "classes": {}}
        moved = {**rates, "accuracy": {"before": 0.5, "after": 0.4}, "changed": 0}
        for name, one in zip(classes, (moved, {**rates, "changed": 0}), strict=False):
            own["classes"] = {**own["classes"], name: one}
        return {"images": 9, **rates, **own}

    def told(validation: dict[str, Any]) -> str:
        size = {"rules": {"before": 3, "after": 2}}
        parts = {"train": split(), "validation": validation, "test": split()}
        print_comparison_document(
            {"parent": "three/1", **parts, "size": size, "entries": [],
             "changed_validation_images": []}
        )  # fmt: skip
        return capsys.readouterr().out

    assert told(split()) == (
        "no image is decided otherwise: the figures are those of three/1\nrules 3 → 2\n"
    )
    # An image of class two that was wrong before and is wrong now moves nothing of its class.
    rows = [line.split()[0] for line in told(split("one", "two")).splitlines()]
    assert "one" in rows and "two" not in rows


def test_a_dry_run_publishes_nothing(run: Run, copied: Path) -> None:
    ran = run("revise", copied, "--remove-rule", first_rule(copied), "--dry-run")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("nothing was published; three/1 would become:")
    assert revisions(copied) == ["1"]


def test_edited_files_are_taken_in(run: Run, copied: Path, tmp_path: Path) -> None:
    user = tmp_path / "mine.pl"
    user.write_text("small(Image) :- decision(Image, zero).\n")
    table = tmp_path / "labels.csv"
    layer, _, index = a_channel(copied).rpartition("_c")
    table.write_text(f"layer,channel,text\n{layer},{index},round\n")
    ran = run("revise", copied, "--user", user, "--labels", table, "--author", "ada")
    assert ran.code == 0, ran.err
    assert "no rule changed: the figures are those of three/1" in ran.out
    child = copied.parent / "2"
    assert (child / "user.pl").read_text() == user.read_text()
    assert f"label({a_channel(copied)}, round, hand(ada))." in (child / "labels.pl").read_text()
    assert (child / "rules.pl").read_bytes() == (copied / "rules.pl").read_bytes()


def test_edits_are_made_in_the_order_given(run: Run, copied: Path) -> None:
    channel = a_channel(copied)
    ran = run(
        "revise", copied, "--json",
        "--force-rule", f"class(Image, one) :- rule(f1, Image), active(Image, {channel})",
        "--drop-literal", "f1:x",
    )  # fmt: skip
    assert ran.code == 1
    assert f"no proposition named 'x'; nearest: {channel}" in ran.err
    assert ran.document["error"]["reason"] == "UNKNOWN_PROPOSITION"


REFUSED = {
    "an unknown rule": (("--remove-rule", "r99"), "no rule named 'r99'; nearest: "),
    "an unknown channel": (("--mute", "conv3_c9999"), "no channel named 'conv3_c9999'; nearest: "),
    "an unknown policy": (("--mute", "CHANNEL:off"), "inactive, drop, relearn, not 'off'"),
    "an unknown class": (("--force-channel", "CHANNEL:four"), "no class named 'four'"),
    "half a literal": (("--drop-literal", "r1"), "takes ID:PROPOSITION"),
    "a syntax error": (("--force-rule", "class(I, one) :- ("), "the rule to force:1:"),
    "no file": (
        ("--force-rule", "no/such.pl"),
        "or a file of clauses that is there, not 'no/such.pl'",
    ),
    "no change": ((), "nothing was changed in three/1"),
    "no data": (("--remove-rule", "r1", "--data", "npz:none.npz"), "none.npz"),
}


@pytest.mark.parametrize(("arguments", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_made_is_refused_and_nothing_written(
    run: Run, copied: Path, arguments: tuple[str, ...], told: str
) -> None:
    channel = a_channel(copied)
    ran = run("revise", copied, *(text.replace("CHANNEL", channel) for text in arguments))
    assert ran.code == 1
    assert told in ran.err
    assert revisions(copied) == ["1"]


def test_findings_name_the_file_that_was_handed_in(run: Run, copied: Path, tmp_path: Path) -> None:
    rules = tmp_path / "edited.pl"
    rules.write_text("class(Image, one) :- rule(r1, Image), active(Image, conv9_c9).\n")
    ran = run("revise", copied, "--rules", rules)
    assert ran.code == 1
    assert f"{rules}:1:" in ran.err and "conv9_c9" in ran.err
    rules.write_bytes(b"% \xff\n")
    ran = run("revise", copied, "--rules", rules)
    assert f"{rules} is not UTF-8" in ran.err
    assert revisions(copied) == ["1"]


def test_data_that_moved_is_told_with_the_way_out(run: Run, copied: Path, archive: Path) -> None:
    hidden = archive.with_suffix(".away")
    archive.rename(hidden)
    try:
        ran = run("revise", copied, "--remove-rule", first_rule(copied))
    finally:
        hidden.rename(archive)
    assert ran.code == 1
    assert "say with --data where it is now" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("revise",),
        ("revise", "r/kb", "--kb", "kb"),
        ("revise", "r/kb", "--server", "h:1", "--kb", "kb"),
        ("revise", "--server", "h:1"),
        ("revise", "--server", "h:1", "--kb", "kb", "--mute", "c"),
    ],
)
def test_a_repository_or_a_server_is_named_and_not_both(
    run: Run, arguments: tuple[str, ...]
) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert "usage: proofsight revise" in ran.err


# --- compare, evaluate over seeds, causal ---------------------------------------


def test_compare_takes_stored_figures_where_they_are_of_the_same_images(
    run: Run, copied: Path, archive: Path
) -> None:
    run("revise", copied, "--remove-rule", first_rule(copied))
    ran = run("compare", copied, copied.parent / "2", "--json")
    assert ran.code == 0, ran.err
    assert [one["stored"] for one in ran.document["revisions"]] == [True, True]
    assert ran.document["revisions"][1]["parent"] == "three/1"
    again = run("compare", copied, copied.parent / "2", "--seed", 9, "--json")
    assert [one["stored"] for one in again.document["revisions"]] == [False, False]
    text = run("compare", copied, copied.parent / "2", "--data", f"npz:{archive}")
    assert [line.split()[0] for line in text.out.splitlines()[1:]] == [
        "revision", "three/1", "three/2",
    ]  # fmt: skip


def test_several_revisions_are_summed_up_and_one_is_as_ever(
    run: Run, workplace: Path, archive: Path, tmp_path: Path
) -> None:
    data = f"npz:{archive}"
    for seed in (1, 2):
        ran = run(
            "extract", "--data", data, "--weights", workplace / "w.safetensors", "--seed", seed,
            "--repository", tmp_path / "r", "--name", "three", "--max-rules", 8,
        )  # fmt: skip
        assert ran.code == 0, ran.err
    names = [tmp_path / "r" / "three" / str(n) for n in (1, 2)]
    ran = run("evaluate", *names, "--data", data, "--json")
    assert ran.code == 0, ran.err
    one, two = (report["test"]["fidelity"] for report in ran.document["revisions"])
    assert ran.document["summary"]["test"]["fidelity"]["mean"] == pytest.approx((one + two) / 2)
    assert ran.document["summary"]["size"]["rules"]["count"] == 2
    assert ran.document["differences"] == []
    text = run("evaluate", *names, "--data", data).out
    assert "mean ± sample deviation" in text and "fidelity" in text and "atoms" in text
    assert run("evaluate", names[0], "--data", data, "--json").document["revision"] == "three/1"


def test_causal_tells_each_proposition_that_proofs_use(run: Run, copied: Path) -> None:
    ran = run("causal", copied, "--json", "--images", 10, "--controls", 1)
    assert ran.code == 0, ran.err
    for cause in ran.document["propositions"]:
        assert cause["verdict"] in ("causal", "correlated, not causal", "undecided", "not tried")
        assert cause["images"] <= 10
        assert cause["rules"]
    ran = run("causal", copied, "--images", 10)
    assert a_channel(copied) in ran.out and "verdict" in ran.out
