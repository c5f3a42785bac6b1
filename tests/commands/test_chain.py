"""Chained extraction and its curve, as a person or a script calls for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def extracting(workplace: Path, archive: Path, repository: Path, *more: object) -> list[object]:
    return [
        "extract", "--data", f"npz:{archive}", "--weights", workplace / "w.safetensors",
        "--repository", repository, "--name", "three", "--max-rules", 8, *more,
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["faithful", "refit"])
def test_a_chain_is_extracted_measured_at_every_entry_and_drawn(
    mode: str, run: Run, workplace: Path, archive: Path, tmp_path: Path
) -> None:
    chain = ("--layer", "fc1", "--layer", "conv2:grid=1,2", "--layer", "conv3", "--chain")
    ran = run(
        *extracting(workplace, archive, tmp_path / "r", *chain, "--chain-mode", mode, "--json")
    )
    assert ran.code == 0, ran.err
    assert [entry["layer"] for entry in ran.document["entries"]] == ["fc1", "conv3", "conv2"]
    curve = tmp_path / "curve.svg"
    base = tmp_path / "r" / "three"
    ran = run("evaluate", base, "--data", f"npz:{archive}", "--curve", curve, "--json")
    assert ran.code == 0, ran.err
    for entry in ran.document["entries"]:
        for source in ("program", "network", "tree"):
            assert 0 <= entry[source]["test"]["fidelity"] <= 1
    assert ran.document["note"] == "the same figures as at extraction"
    assert curve.read_text().startswith("<svg ") and "conv2" in curve.read_text()
    ran = run("evaluate", base, "--data", f"npz:{archive}")
    heading = next(line for line in ran.out.splitlines() if line.startswith("entered at"))
    for column in ("program", "CNN on bits", "tree", "links"):
        assert column in heading
    assert run("check", base).code == 0
    assert_refused_out_of_order(run, base, tmp_path / "edited.pl")


def assert_refused_out_of_order(run: Run, base: Path, edited: Path) -> None:
    """The clause that derives a proposition of the lowest layer from the topmost."""
    text = (base / "1" / "quantiser.pl").read_text()
    low, high = (re.search(rf"^proposition\(({atom}\w+),", text, re.M) for atom in ("conv2", "fc1"))
    assert low is not None
    assert high is not None
    rules = base / "1" / "rules.pl"
    kept = rules.read_text()
    clause = f"derived(Image, {low[1]}) :- rule(up, Image), active(Image, {high[1]}).\n"
    column = clause.index(high[1]) + 1
    told = f"{low[1]} of layer conv2 is derived from {high[1]} of fc1, which does not stand below"
    edited.write_text(clause + kept)
    ran = run("revise", base, "--rules", edited)
    assert ran.code == 1
    assert f"{edited}:1:{column}: {told}" in ran.err
    assert [path.name for path in base.iterdir()] == ["1"]
    rules.write_text(clause + kept)
    ran = run("check", base)
    assert ran.code == 1
    assert f"{rules}:1:{column}: error: {told}" in ran.out


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--layer", "conv3", "--chain"), 1, "at least two layers, and only conv3 was named"),
        (("--layer", "conv3", "--layer", "conv3", "--chain"), 1, "is named twice"),
        (("--layer", "conv3", "--layer", "conv7", "--chain"), 1, "no layer named 'conv7'"),
        (("--layer", "conv3", "--layer", "conv2:grid=99", "--chain"), 1, "99 x 99 was asked for"),
        (("--layer", "conv2", "--chain-mode", "refit"), 1, "refit says how layers .* add --chain"),
        (("--layer", "conv2", "--chain-leaves", "4"), 1, "4 says how layers .* add --chain"),
        (("--layer", "conv2:cells=3"), 2, "must be a layer, or one with grids of its own"),
        (("--layer", "conv2:grid=0"), 2, "must be a whole number from 1, not 0"),
        (("--layer", "conv2", "--chain", "--chain-leaves", "1"), 2, "from 2, not 1"),
    ],
)
def test_what_makes_no_chain_is_refused_and_nothing_is_written(
    more: tuple[str, ...],
    code: int,
    words: str,
    run: Run,
    workplace: Path,
    archive: Path,
    tmp_path: Path,
) -> None:
    ran = run(*extracting(workplace, archive, tmp_path / "r", *more))
    assert ran.code == code
    assert re.search(words, ran.err), ran.err
    assert list(tmp_path.rglob("*")) == []


def test_a_curve_of_one_entry_is_refused_before_anything_is_measured(
    run: Run, workplace: Path, archive: Path, tmp_path: Path
) -> None:
    base = workplace / "repository" / "three"
    curve = tmp_path / "curve.svg"
    ran = run("evaluate", base, "--data", f"npz:{archive}", "--curve", curve)
    assert (ran.code, ran.out) == (1, "")
    assert "entered at conv3 only, so that there is no curve to draw" in ran.err
    assert "probing" not in ran.err and not curve.exists()
