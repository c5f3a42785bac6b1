"""`interactions --tables`: what is told, written, and refused."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from proofsight_server.errors import BadTensor
from proofsight_server.interactions import from_effects, table_file
from proofsight_server.interactions.table_file import read_tables
from tests.commands.conftest import Run


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Two networks on four regions, of which AND {0, 1} is shared."""
    ands, ors = np.zeros((2, 16)), np.zeros((2, 16))
    ands[:, 3] = 4, 3
    ors[0, 12], ands[1, 4] = -1, 2
    path = tmp_path / "two.npz"
    np.savez(path, tables=from_effects(ands, ors) + 0.5)
    return path


def saved(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]  # objects too, which are refused
    return path


def claiming(path: Path, shape: tuple[int, ...]) -> Path:
    """An archive whose header says that so many numbers follow, and none does."""
    header = io.BytesIO()
    said = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, said)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tables.npy", header.getvalue())
    return path


def test_primitives_and_what_is_shared_are_told_beside_chance(run: Run, tables: Path) -> None:
    ran = run("interactions", "--tables", tables, "--box", "0")
    assert ran.code == 0
    assert "2 networks, 4 regions; mix 0.1, box 0; within" in ran.out
    assert "and {0, 1}  +4.0000" in ran.out
    assert "1 salient primitives are shared by all, of 2, 2 in each network" in ran.out
    assert "by chance" in ran.out
    assert "renamed: the regions of all networks but the first" in ran.out
    assert "mean of 3 extractions" in ran.out


def test_what_renamed_regions_share_is_beside_it_and_drawn_by_the_seed(
    run: Run, tables: Path
) -> None:
    asked = ["interactions", "--tables", tables, "--box", "0", "--json"]
    told = run(*asked, "--nulls", "2").document["sharing"]
    null = told["renamed_regions"]
    assert null["extractions"] == 2
    assert null["weighted_iou"] < told["weighted_iou"]
    assert null == run(*asked, "--nulls", "2").document["sharing"]["renamed_regions"]
    assert run(*asked, "--nulls", "0").document["sharing"]["renamed_regions"] is None
    assert run(*asked, "--nulls", "-1").code == 2


def test_the_document_has_masks_and_regions_and_is_what_out_writes(
    run: Run, tables: Path, tmp_path: Path
) -> None:
    out = tmp_path / "told.json"
    document = run(
        "interactions", "--tables", tables, "--box", "0", "--out", out, "--json"
    ).document
    assert document == json.loads(out.read_text(encoding="utf-8"))
    assert document["gap"] <= 1e-3
    first = document["networks"][0]["primitives"][0]
    assert (first["kind"], first["mask"], first["regions"]) == ("and", 3, [0, 1])
    assert document["sharing"]["shared"] == 1
    assert document["networks"][1]["premise"]["monotone"]


def test_all_effects_and_the_residual_are_written_as_arrays(
    run: Run, tables: Path, tmp_path: Path
) -> None:
    out = tmp_path / "all.npz"
    assert run("interactions", "--tables", tables, "--out", out).code == 0
    with np.load(out) as told, np.load(tables) as given:
        again = from_effects(told["and_effects"], told["or_effects"])
        assert np.allclose(again + told["bias"] + told["residual"], given["tables"])


def test_what_is_no_file_of_tables_is_refused(run: Run, tmp_path: Path) -> None:
    single, junk = tmp_path / "single.npy", tmp_path / "junk.npz"
    np.save(single, np.ones(8))
    junk.write_text("no archive", encoding="utf-8")
    for path, told in (
        (single, "a single array"),
        (junk, "no NumPy archive"),
        (saved(tmp_path / "other.npz", scores=np.ones(8)), "has scores"),
        (saved(tmp_path / "objects.npz", tables=np.array([1, None], dtype=object)), "pickle"),
        (saved(tmp_path / "short.npz", tables=np.ones((2, 7))), "7 entries"),
        (saved(tmp_path / "nan.npz", tables=np.array([0, np.nan])), "nan for mask 1"),
        (saved(tmp_path / "still.npz", tables=np.ones(8)), "no region matters"),
        (claiming(tmp_path / "lie.npz", (2, 1 << 57)), "more memory than there is"),
        (tmp_path / "missing.npz", "No such file"),
    ):
        ran = run("interactions", "--tables", path)
        assert (ran.code, ran.out) == (1, "")
        assert told in ran.err
        assert len(ran.err.splitlines()) == 1


def test_what_would_be_unpacked_for_long_is_refused_before_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "zeros.npz", tables=np.zeros((2, 1 << 10)))
    monkeypatch.setattr(table_file, "_MOST_BYTES", 1 << 15)
    assert read_tables(path).shape == (2, 1 << 10)
    monkeypatch.setattr(table_file, "_MOST_BYTES", 1 << 14)  # and a header
    with pytest.raises(BadTensor, match="and tables of 16 regions have"):
        read_tables(path)


@pytest.mark.parametrize(
    "options",
    [("--regions", "grid:2x2"), ("--class", "3"), ("--store",), ("--most-regions", "4")],
)
def test_options_about_an_image_are_refused(
    run: Run, tables: Path, options: tuple[str, ...]
) -> None:
    ran = run("interactions", "--tables", tables, *options)
    assert ran.code == 2
    assert f"{options[0]} is about an image; --tables has none" in ran.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--alpha", "2"), "in 0..1"),
        (("--box", "-1"), "box is a share"),
        (("--gap", "0"), "gap is a share"),
        (("--r2", "2"), "at most 1"),
        (("--max-error", "-1"), "0 or more"),
        (("--lossless",), "extract with box 0"),
        (("--out", "no/such/place.json"), "a directory that exists"),
        (("--out", "told.txt"), ".txt"),
    ],
)
def test_options_out_of_range_are_refused(
    run: Run, tables: Path, options: tuple[str, ...], told: str
) -> None:
    ran = run("interactions", "--tables", tables, *options)
    assert ran.code == 1
    assert told in ran.err
    assert len(ran.err.splitlines()) == 1
