"""The gallery: which images, where the channel is strong in them, and what is drawn and written."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from proofsight_server.errors import BadDataset, BadOption
from proofsight_server.extraction.exemplars import chosen, exhibit
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.gallery import Gallery, build_gallery
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.label import Label, by_hand
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import Revision, open_revision
from proofsight_server.knowledge.source import write_labels
from proofsight_server.rules.program import Program
from proofsight_server.symbols.feature import Proposition
from proofsight_server.vision.dataset import open_dataset
from proofsight_server.vision.layers import resolve
from proofsight_server.vision.probe import Probe
from proofsight_server.vision.receptive_field import receptive_fields

Map = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def celled(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Revision:
    """A revision over the first convolution, whose positions see little, with cells."""
    options = ExtractOptions(layers=("conv1",), grids=(1, 2), max_rules=6, seed=3)
    return extract(options, source, Repository(tmp_path_factory.mktemp("celled")), "three")


@pytest.fixture(scope="module")
def gallery(celled: Revision, source: Source) -> Gallery:
    return build_gallery(celled, source.dataset, source.network, top=4)


def natural(name: str) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


@pytest.fixture(scope="module")
def slow_maps(source: Source) -> list[Map]:
    """|A| of the first convolution, (channels, height, width), of one training image at a time."""
    train = source.dataset.train
    with Probe(source.network, resolve(source.network, ["conv1"])) as probe:
        return [
            np.abs(probe.maps(source.network.prepare([train.images[i]]))[1]["conv1"][0].numpy())
            for i in range(len(train))
        ]


def slow_value(map: Map, proposition: Proposition) -> np.float32:
    feature = proposition.feature
    assert feature is not None and feature.reduction == "l1"
    part = map[feature.index].astype(np.float64)
    return np.float32(
        (part if feature.cell is None else part[feature.cell.span(*part.shape)]).sum()
    )


def test_the_images_are_those_of_greatest_value_and_ties_go_by_id(
    celled: Revision, source: Source, gallery: Gallery, slow_maps: list[Map]
) -> None:
    train = source.dataset.train
    images = range(len(train))
    for entry in gallery.document["propositions"][:3]:
        proposition = next(p for p in chosen(celled, everything=False) if p.name == entry["name"])
        values = [slow_value(map, proposition) for map in slow_maps]
        order = sorted(images, key=lambda i: (-values[i], natural(train.ids[i])))[:4]
        assert [one["id"] for one in entry["images"]] == [train.ids[i] for i in order]
        assert [one["value"] for one in entry["images"]] == [float(values[i]) for i in order]
        assert [one["active"] for one in entry["images"]] == [
            bool(values[i] > np.float32(proposition.threshold)) for i in order
        ]


def test_the_box_is_what_the_strongest_position_of_the_cell_sees(
    celled: Revision, source: Source, gallery: Gallery, slow_maps: list[Map]
) -> None:
    field = receptive_fields(source.network, celled.quantisation.layers)["conv1"]
    place = {name: i for i, name in enumerate(source.dataset.train.ids)}
    cells = 0
    for entry in gallery.document["propositions"]:
        proposition = next(p for p in chosen(celled, everything=False) if p.name == entry["name"])
        feature = proposition.feature
        assert feature is not None
        for one in entry["images"]:
            map = slow_maps[place[one["id"]]][feature.index]
            height, width = map.shape
            best, position = -1.0, (0, 0)
            rows, columns = feature.cell.span(height, width) if feature.cell else (
                slice(0, height), slice(0, width)
            )  # fmt: skip
            for row in range(height)[rows]:
                for column in range(width)[columns]:
                    if map[row, column] > best:
                        best, position = map[row, column], (row, column)
            assert tuple(one["position"]) == position
            assert tuple(one["box"]) == field.at(*position)
            if feature.cell is None:
                assert one["cell"] is None
            else:
                cells += 1
                left, top, right, bottom = one["cell"]
                assert (right - left, bottom - top) == (4, 4)
                assert left <= position[1] < right and top <= position[0] < bottom
    assert cells > 0


def test_the_crop_holds_the_pixels_of_its_box_enlarged_and_unchanged(
    source: Source, gallery: Gallery
) -> None:
    place = {name: i for i, name in enumerate(source.dataset.train.ids)}
    for entry in gallery.document["propositions"]:
        for one in entry["images"]:
            left, top, right, bottom = one["box"]
            pixels = source.dataset.train.images[place[one["id"]]][top:bottom, left:right, 0]
            crop = np.asarray(Image.open(gallery.page.parent / one["crop"]))
            factor = crop.shape[0] // pixels.shape[0]
            assert np.array_equal(crop, pixels.repeat(factor, 0).repeat(factor, 1))


def test_the_whole_image_is_warm_where_the_map_is_strong(
    source: Source, gallery: Gallery, slow_maps: list[Map]
) -> None:
    entry = next(e for e in gallery.document["propositions"] if e["images"][0]["cell"] is None)
    one = entry["images"][0]
    whole = np.asarray(Image.open(gallery.page.parent / one["whole"])).astype(int)
    assert whole.shape == (160, 160, 3)
    index = source.dataset.train.ids.index(one["id"])
    channel = int(entry["feature"].split(", ")[1])
    map = slow_maps[index][channel]
    warmth = (whole[..., 0] - whole[..., 2]).reshape(8, 20, 8, 20)[:, 5:15, :, 5:15].mean((1, 3))
    assert np.corrcoef(map.ravel(), warmth.ravel())[0, 1] > 0.7
    assert np.unravel_index(warmth.argmax(), (8, 8)) == tuple(one["position"])


class Links(HTMLParser):
    """What a page links to and shows."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.images += [value or "" for name, value in attrs if name == "src"]


def test_the_page_needs_nothing_but_the_files_beside_it(gallery: Gallery) -> None:
    text = gallery.page.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    shown = [one for entry in gallery.document["propositions"] for one in entry["images"]]
    assert links.images == [path for one in shown for path in (one["crop"], one["whole"])]
    assert all((gallery.page.parent / path).is_file() for path in links.images)
    assert "script" not in links.tags and "link" not in links.tags
    assert "http" not in text


def test_the_page_says_rules_purity_and_labels_and_escapes_them(
    celled: Revision, source: Source, tmp_path: Path
) -> None:
    copy = tmp_path / "three" / "1"
    copy.mkdir(parents=True)
    for path in celled.directory.glob("*.*"):
        (copy / path.name).write_bytes(path.read_bytes())
    name = celled.program.propositions()[0]
    (copy / "labels.pl").write_text(write_labels([Label(name, "<b>& stroke", by_hand("ada"))]))
    gallery = build_gallery(open_revision(copy), source.dataset, source.network, top=2)
    text = gallery.page.read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp; stroke" in text and "<b>& stroke" not in text
    assert "it&#x27;s two" in text
    entry = next(e for e in gallery.document["propositions"] if e["name"] == name)
    assert entry["label"] == {"text": "<b>& stroke", "by": "hand(ada)"}
    users = {r.id for r in celled.program.rules if name in {e.proposition for e in r.literals()}}
    assert {use["id"] for use in entry["rules"]} == users
    for use in entry["rules"]:
        assert f"active(Image, {name})" in use["clause"]
        assert ("\\+ active" in use["clause"]) or use["active"]


def test_purity_counts_labels_of_the_strongest_images_and_of_all_active_ones(
    celled: Revision, source: Source, slow_maps: list[Map]
) -> None:
    propositions = chosen(celled, everything=True)
    exhibition = exhibit(celled, source.dataset, source.network, propositions, top=5, watch=Watch())
    train = source.dataset.train
    assert train.labels is not None
    for one in exhibition.exemplars[:6]:
        values = [slow_value(map, one.proposition) for map in slow_maps]
        holding = [i for i, v in enumerate(values) if v > np.float32(one.proposition.threshold)]
        assert one.active.images == len(holding)
        for c in range(3):
            expected = sum(train.labels[i] == c for i in holding) / len(holding)
            assert one.active.shares[c] == pytest.approx(expected)
            assert one.top.shares[c] == sum(train.labels[i] == c for i in one.images) / 5


def test_the_same_gallery_twice_is_one_and_the_program_is_untouched(
    celled: Revision, source: Source, gallery: Gallery
) -> None:
    before = {path: path.read_bytes() for path in celled.directory.rglob("*") if path.is_file()}
    again = build_gallery(celled, source.dataset, source.network, top=4)
    assert again == gallery
    assert before == {p: p.read_bytes() for p in celled.directory.rglob("*") if p.is_file()}
    larger = build_gallery(celled, source.dataset, source.network, top=5)
    assert larger.page != gallery.page and gallery.page.is_file()
    assert open_revision(celled.directory).etag == celled.etag
    assert json.loads(gallery.index.read_text())["top"] == 4


def test_all_takes_propositions_that_no_rule_uses(celled: Revision) -> None:
    used, every = chosen(celled, everything=False), chosen(celled, everything=True)
    assert {p.name for p in used} == set(celled.program.propositions())
    assert every == celled.quantisation.observable
    assert len(used) < len(every)


def test_a_program_without_propositions_has_no_gallery_unless_all_are_asked_for(
    celled: Revision,
) -> None:
    empty = replace(celled, program=Program((), celled.program.classes, "ordered", "digit 0"))
    with pytest.raises(BadOption, match="take all with --all"):
        chosen(empty, everything=False)
    assert chosen(empty, everything=True)


def test_data_of_other_classes_is_refused_and_nothing_is_written(
    extracted: Revision, source: Source
) -> None:
    before = sorted(extracted.directory.rglob("*"))
    with pytest.raises(BadDataset, match="are not those of the network"):
        build_gallery(extracted, open_dataset("digits"), source.network)
    assert sorted(extracted.directory.rglob("*")) == before


def test_units_show_the_whole_image(source: Source, tmp_path: Path) -> None:
    revision = extract(
        ExtractOptions(layers=("fc1",), max_rules=4, seed=3), source, Repository(tmp_path), "units"
    )
    gallery = build_gallery(revision, source.dataset, source.network, top=2)
    for entry in gallery.document["propositions"]:
        for one in entry["images"]:
            assert (one["position"], one["box"], one["cell"]) == (None, (0, 0, 8, 8), None)
            assert one["whole"] is None and (gallery.page.parent / one["crop"]).is_file()
