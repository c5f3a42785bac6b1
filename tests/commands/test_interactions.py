"""`proofsight interactions IMAGE R/KB …`, as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proofsight_server.knowledge.revision import check_revision

from .conftest import Run


@pytest.fixture
def image(archive: Path, tmp_path: Path) -> Path:
    with np.load(archive) as data:
        Image.fromarray(data["x_test"][0][..., 0]).save(tmp_path / "a digit.png")
    return tmp_path / "a digit.png"


@pytest.fixture
def revision(copied: Path) -> Path:
    """The knowledge base of a revision that a test may spoil."""
    return copied.parent


def test_interactions_are_told_written_in_every_form_and_stored(
    run: Run, image: Path, revision: Path, tmp_path: Path
) -> None:
    asked = ["interactions", image, revision, "--regions", "grid:2x2", "--cache", tmp_path / "c"]
    told = run(*asked, "--store")
    assert told.code == 0, told.err
    assert "three/1: score" in told.out
    assert "2^4 masked images" in told.err
    assert "at most to extract interactions; " in told.err
    (facts,) = (revision / "1" / "interactions").glob("a_digit_*.pl")
    assert facts.with_suffix(".html").is_file()
    assert not check_revision(revision / "1")[0].errors
    for ending in ("json", "npz", "html", "svg", "png", "pl"):
        out = tmp_path / f"out.{ending}"
        assert run(*asked, "--out", out).code == 0
        assert out.stat().st_size > 500
    assert (tmp_path / "out.pl").read_text() == facts.read_text()
    document = run(*asked, "--json").document
    assert document == {**json.loads((tmp_path / "out.json").read_text()), "stored": []}
    assert document["networks"][0]["network"] == "three/1"
    assert len(list((tmp_path / "c").iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--regions", "grid:9x9"], "9 rows and 9 columns has empty tiles"),
        (
            ["--regions", "grid:5x5", "--baseline", "image_mean"],
            "25 regions are too many: 2^25 masked images",
        ),
        (["--regions", "boxes:none.json"], "No such file or directory; name a file of boxes"),
        (["--regions", "grid:2x2", "--class", "tow"], "no class named 'tow'; nearest: two"),
        (["--regions", "grid:2x2", "--baseline", "grey"], "a baseline is zero, black"),
        (["--regions", "grid:2x2", "--score", "p"], "a score is log_odds, margin"),
        (["--regions", "grid:2x2", "--out", "x.gif"], "ends in none of .json"),
        (["--regions", "grid:2x2", "--most-regions", "17"], "can be 2..16, not 17"),
        (["--regions", "grid:2x2", "--lossless"], "extract with box 0"),
        (
            ["--regions", "grid:2x2", "--compare-baselines", "zero"],
            "names no baseline but zero, which it is to be compared with",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_remedy(
    run: Run, image: Path, workplace: Path, arguments: list[str], told: str
) -> None:
    found = run("interactions", image, workplace / "repository" / "three", "--no-cache", *arguments)
    assert found.code == 1
    assert told in found.err


def test_a_network_named_twice_and_a_file_that_is_no_image_are_refused(
    run: Run, image: Path, workplace: Path, tmp_path: Path
) -> None:
    kb = workplace / "repository" / "three"
    twice = run("interactions", image, kb, kb, "--regions", "grid:2x2", "--no-cache")
    assert "three/1 is named twice" in twice.err
    (tmp_path / "x.png").write_text("no image")
    other = run("interactions", tmp_path / "x.png", kb, "--regions", "grid:2x2", "--no-cache")
    assert "are no PNG, JPEG or WebP image" in other.err
    absent = run("interactions", tmp_path / "y.png", kb, "--regions", "grid:2x2")
    assert "No such file" in absent.err


def test_primitives_that_survive_other_baselines_are_told(
    run: Run, image: Path, workplace: Path
) -> None:
    kb = workplace / "repository" / "three"
    compared = ["--compare-baselines", "zero,image_mean", "--no-cache"]
    told = run("interactions", image, kb, "--regions", "grid:2x2", *compared, "--json")
    (one,) = told.document["baselines"]
    assert one["baseline"] == "image_mean"
    assert one["same_sign"] <= one["survivors"] <= min(one["before"], one["after"])
    assert one["share"] == one["survivors"] / one["before"]


def test_an_image_needs_its_networks_and_regions(run: Run, image: Path) -> None:
    assert run("interactions", image).code == 2
    assert run("interactions", image, "--tables", "x.npz").code == 2
