"""`gallery` and `label`, as a person or a script calls them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from proofsight_server.vision.dataset import open_dataset

Run = Callable[..., Any]
TABLE = "layer,channel,cell,text,author,note\n"


def everything_under(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def first_channel(directory: Path) -> tuple[str, str, str]:
    """A proposition that a rule uses, with its layer and channel."""
    text = (directory / "rules.pl").read_text()
    name = text.split("active(Image, ", 1)[1].split(")", 1)[0]
    layer, channel = name.split("_c")[0], name.split("_c")[1]
    return name, layer, channel


def test_gallery_says_where_its_page_is(run: Run, copied: Path) -> None:
    ran = run("gallery", copied, "--top", 3)
    assert ran.code == 0, ran.err
    page = Path(ran.out.strip().splitlines()[-1].removeprefix("open "))
    assert page.parent == copied / "gallery" and page.is_file()
    assert "up to 3 images each" in ran.out
    assert "drawing" in ran.err


def test_gallery_with_json_prints_one_document(run: Run, copied: Path) -> None:
    few = run("gallery", copied, "--json", "--top", 2)
    every = run("gallery", copied, "--json", "--top", 2, "--all")
    assert few.code == every.code == 0
    assert few.document["revision"] == "three/1"
    assert few.document["images"] == 2 * few.document["propositions"]
    assert every.document["propositions"] > few.document["propositions"]
    assert Path(few.document["page"]).is_file() and Path(few.document["index"]).is_file()


def test_sensitivity_maps_are_drawn_where_they_are_asked_for(run: Run, copied: Path) -> None:
    ran = run("gallery", copied, "--top", 1, "--smoothgrad", "--samples", 2, "--noise", 0.1)
    assert ran.code == 0, ran.err
    assert "following gradients" in ran.err
    assert list((copied / "gallery" / "pictures").glob("smoothgrad-*.png"))
    assert not list((copied / "gallery" / "pictures").glob("ascent-*"))


def test_options_of_sensitivity_maps_need_them(run: Run, copied: Path) -> None:
    ran = run("gallery", copied, "--noise", 0.2)
    assert ran.code == 2
    assert "--noise and --squared are about --smoothgrad; add it" in ran.err
    assert not (copied / "gallery").exists()


def test_gallery_of_data_that_is_gone_asks_for_data(
    run: Run, copied: Path, archive: Path, tmp_path: Path
) -> None:
    manifest = copied / "manifest.json"
    moved = tmp_path / "moved.npz"
    moved.write_bytes(archive.read_bytes())
    assert run("gallery", copied, "--data", f"npz:{moved}", "--top", 1).code == 0
    hidden = archive.rename(archive.with_name("hidden.npz"))
    try:
        ran = run("gallery", copied, "--top", 1, "--json")
    finally:
        hidden.rename(archive)
    assert ran.code == 1
    assert "say with --data where it is now" in ran.err
    assert ran.document["error"]["reason"] == "BAD_DATASET"
    assert manifest.is_file()


def test_label_publishes_a_revision_that_differs_in_its_labels_only(run: Run, copied: Path) -> None:
    ran = run("label", copied, "--json")
    assert ran.code == 0, ran.err
    made = Path(ran.document["directory"])
    assert made == copied.parent / "2"
    before, after = everything_under(copied), everything_under(made)
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"labels.pl", "manifest.json"}
    convincing = [c for c in ran.document["candidates"] if c["score"] >= 0.5]
    assert [c for c in ran.document["candidates"] if c["labels"]] == convincing
    text = after["labels.pl"].decode()
    for one in convincing:
        assert f"label({one['proposition']}, {one['text']}, auto(purity," in text
    again = run("label", made)
    assert again.code == 0 and "nothing was published" in again.out
    assert sorted(p.name for p in copied.parent.iterdir()) == ["1", "2"]


def test_a_dry_run_prints_candidates_and_publishes_nothing(run: Run, copied: Path) -> None:
    ran = run("label", copied, "--dry-run")
    assert ran.code == 0
    assert "candidate" in ran.out and "nothing was published (--dry-run)" in ran.out
    assert [p.name for p in copied.parent.iterdir()] == ["1"]


def test_labels_by_hand_come_from_a_table_and_beat_those_found(
    run: Run, copied: Path, tmp_path: Path
) -> None:
    name, layer, channel = first_channel(copied)
    table = tmp_path / "labels.csv"
    table.write_text(f"{TABLE}{layer},{channel},,left stroke,ada,seen often\n")
    ran = run("label", copied, "--csv", table, "--method", "purity", "--min-score", 0, "--json")
    assert ran.code == 0, ran.err
    of_name = [label for label in ran.document["labels"] if label["proposition"] == name]
    assert of_name == [{"proposition": name, "text": "left stroke", "by": "hand(ada)"}]
    assert len(ran.document["labels"]) == len(ran.document["candidates"]) > 1


def test_a_wrong_table_is_refused_line_by_line_and_a_right_one_needs_no_data(
    run: Run, copied: Path, tmp_path: Path
) -> None:
    name, layer, channel = first_channel(copied)
    table = tmp_path / "labels.csv"
    row = f"{layer},{channel},,left stroke,ada,\n"
    table.write_text(f"{TABLE}{row}{layer},9999,,x,ada,\n{row}")
    ran = run("label", copied, "--csv", table)
    assert ran.code == 1
    assert f"{table}:3:1: no proposition reads channel 9999 of {layer}" in ran.err
    assert f"{table}:4:1: line 2 labels this already" in ran.err
    assert [p.name for p in copied.parent.iterdir()] == ["1"]
    table.write_text(f"{TABLE}{row}")
    ran = run("label", copied, "--csv", table)
    assert ran.code == 0, ran.err
    assert "probing" not in ran.err
    assert (
        f"label({name}, 'left stroke', hand(ada))."
        in (copied.parent / "2" / "labels.pl").read_text()
    )


@pytest.fixture
def masks(archive: Path, tmp_path: Path) -> Path:
    """Label images of the training images: 1 where there is ink in the upper half, 2 in the
    lower."""
    train = open_dataset(f"npz:{archive}", seed=3).train
    root = tmp_path / "masks"
    (root / "train").mkdir(parents=True)
    for index, name in enumerate(train.ids):
        half = 1 + (np.arange(8) >= 4)[:, None]
        mask = np.where(train.images[index][..., 0] > 100, half, 0).astype(np.uint8)
        Image.fromarray(mask).save(root / f"{name}.png")
    (root / "concepts.csv").write_text("label,text\n1,upper ink\n2,lower ink\n")
    return root


@pytest.mark.parametrize("method", ["iou", "coverage"])
def test_masks_give_concepts_with_scores(run: Run, copied: Path, masks: Path, method: str) -> None:
    ran = run("label", copied, "--masks", masks, "--method", method, "--dry-run", "--json")
    assert ran.code == 0, ran.err
    assert ran.document["candidates"]
    for one in ran.document["candidates"]:
        assert one["text"] in {"upper ink", "lower ink"} and one["method"] == method
        assert 0 < one["score"] <= 1
        assert method == "iou" or one["lift"] > 1


def test_masks_of_another_size_are_refused_and_nothing_is_published(
    run: Run, copied: Path, masks: Path
) -> None:
    victim = sorted((masks / "train").iterdir())[5]
    Image.fromarray(np.zeros((9, 7), dtype=np.uint8)).save(victim)
    ran = run("label", copied, "--masks", masks)
    assert ran.code == 1
    assert f"{victim}: the mask is 7 x 9 pixels and the image train/{victim.stem} 8 x 8" in ran.err
    assert [p.name for p in copied.parent.iterdir()] == ["1"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("label", "--method", "iou"), "name their folder with --masks"),
        (("label", "--masks", "nowhere"), "no such folder of masks"),
        (("label", "--csv", "nowhere.csv"), "nowhere.csv"),
        (("gallery", "--data", "digits"), "are not those of the network"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    run: Run, copied: Path, arguments: tuple[str, ...], told: str
) -> None:
    before = everything_under(copied.parent)
    ran = run(arguments[0], copied, *arguments[1:])
    assert ran.code == 1
    assert told in ran.err and "Traceback" not in ran.err
    assert everything_under(copied.parent) == before
