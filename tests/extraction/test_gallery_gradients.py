"""Pictures by gradients in the gallery, and the pages of the classes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from proofsight_server.extraction.carried_gallery import carried_gallery
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.gallery import Gallery, build_gallery
from proofsight_server.extraction.gallery_document import told
from proofsight_server.extraction.gallery_pages import gallery_pages
from proofsight_server.extraction.gradient_pictures import GradientOptions, mean_image
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.extraction.revise import revise
from proofsight_server.knowledge.label import Label, by_hand
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import Revision, open_revision
from proofsight_server.knowledge.source import write_labels
from proofsight_server.rules.edit import RemoveRule
from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    DerivedHead,
    ExceptionHead,
    Literal,
    PointsHead,
    Program,
    Rule,
    Unless,
)
from proofsight_server.vision.ascent import AscentOptions
from proofsight_server.vision.overlay import sensitive
from proofsight_server.vision.probe import Reader, probe_split
from proofsight_server.vision.smoothgrad import SmoothGradOptions

OPTIONS = GradientOptions(SmoothGradOptions(samples=5), AscentOptions(steps=6), seed=3)


class Links(HTMLParser):
    """What a page shows, where it leads, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[str] = []
        self.leads: list[str] = []
        self.places: set[str] = set()
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.images += [given["src"] or ""] if "src" in given else []
        self.leads += [given["href"] or ""] if "href" in given else []
        self.places |= {given["id"] or ""} if "id" in given else set()


@pytest.fixture(scope="module")
def units(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Revision:
    """A revision over the units of the linear layer."""
    options = ExtractOptions(layers=("fc1",), max_rules=4, seed=3)
    return extract(options, source, Repository(tmp_path_factory.mktemp("units")), "units")


@pytest.fixture(scope="module")
def gallery(
    extracted: Revision, source: Source, tmp_path_factory: pytest.TempPathFactory
) -> Gallery:
    copy = tmp_path_factory.mktemp("gallery") / "three" / "1"
    copy.mkdir(parents=True)
    for path in extracted.directory.glob("*.*"):
        (copy / path.name).write_bytes(path.read_bytes())
    revision = replace(extracted, directory=copy)
    return build_gallery(revision, source.dataset, source.network, top=3, gradients=OPTIONS)


def pages_of(gallery: Gallery) -> dict[str, Links]:
    digest = gallery.page.stem.removeprefix("index-")
    return {p.name: Links(p.read_text()) for p in gallery.page.parent.glob(f"*-{digest}.html")}


def test_every_image_has_a_sensitivity_map_and_every_proposition_an_image_made_for_it(
    gallery: Gallery, source: Source
) -> None:
    here = gallery.page.parent
    for entry in gallery.document["propositions"]:
        assert len(entry["images"]) == 3
        for one in entry["images"]:
            assert one["smoothgrad"]["constant"] is False
            assert Image.open(here / one["smoothgrad"]["picture"]).size == (160, 160)
        assert entry["ascent"]["best"] == entry["images"][0]["value"]
        assert Image.open(here / entry["ascent"]["picture"]).size == (160, 160)
    assert [one["class"] for one in gallery.document["logits"]] == list(source.network.classes)


def test_the_images_of_a_class_are_those_of_greatest_logit(
    gallery: Gallery, source: Source
) -> None:
    seen = probe_split(Reader(source.network, [], []), source.dataset.train)
    for index, entry in enumerate(gallery.document["logits"]):
        values = sorted((float(v) for v in seen.logits[:, index]), reverse=True)
        assert [one["value"] for one in entry["images"]] == pytest.approx(values[:3])
        assert entry["ascent"]["best"] == pytest.approx(values[0])


def test_pages_link_to_each_other_and_need_nothing_from_elsewhere(gallery: Gallery) -> None:
    pages, here = pages_of(gallery), gallery.page.parent
    assert len(pages) == 1 + len(gallery.document["logits"])
    for page in pages.values():
        assert all((here / path).is_file() for path in page.images)
        assert not page.tags & {"script", "link", "iframe"}
        for lead in page.leads:
            name, _, place = lead.partition("#")
            assert not place or place in (pages[name] if name else page).places


def test_the_page_of_a_class_shows_every_literal_of_its_rules(
    gallery: Gallery, extracted: Revision
) -> None:
    entries = {entry["name"]: entry for entry in gallery.document["propositions"]}
    pages = pages_of(gallery)
    digest = gallery.page.stem.removeprefix("index-")
    for place, name in enumerate(extracted.program.classes):
        page = pages[f"class-{place}-{digest}.html"]
        rules = [r for r in extracted.program.rules if r.head == ClassHead(name)]
        assert {f"rule-{rule.id}" for rule in rules} <= page.places
        for rule in rules:
            for literal in rule.literals():
                first = entries[literal.proposition]["images"][0]
                assert {first["crop"], first["smoothgrad"]["picture"]} <= set(page.images)
                assert f"{gallery.page.name}#{literal.proposition}" in page.leads


def test_the_same_gallery_twice_is_one(
    gallery: Gallery, extracted: Revision, source: Source
) -> None:
    revision = replace(extracted, directory=gallery.page.parent.parent)
    again = build_gallery(revision, source.dataset, source.network, top=3, gradients=OPTIONS)
    assert again == gallery


def test_units_have_sensitivity_maps_of_the_whole_image(units: Revision, source: Source) -> None:
    gallery = build_gallery(units, source.dataset, source.network, top=2, gradients=OPTIONS)
    for entry in gallery.document["propositions"]:
        assert entry["feature"].startswith("unit(fc1, ")
        assert entry["ascent"]["value"] >= 0 or not entry["ascent"]["moved"]
        for one in entry["images"]:
            assert one["whole"] is None and one["smoothgrad"]["picture"]
    assert "Units of linear layers see the whole image" in gallery.page.read_text()


def test_without_gradients_there_are_none(
    extracted: Revision, units: Revision, source: Source
) -> None:
    document = build_gallery(units, source.dataset, source.network, top=2).document
    assert document["logits"] == [] and document["smoothgrad"] is document["ascent"] is None
    assert {one["smoothgrad"] for e in document["propositions"] for one in e["images"]} == {None}


def test_the_mean_image_is_the_mean_of_prepared_images(source: Source) -> None:
    train = source.dataset.train
    slow = np.mean([source.network.prepare([im]).numpy()[0] for im in train.images], axis=0)
    np.testing.assert_allclose(mean_image(source.network, train).numpy(), slow, atol=1e-5)


def test_orange_is_a_rise_and_purple_a_fall_and_the_rest_is_faint() -> None:
    slope = np.zeros((2, 4, 4), dtype=np.float32)
    slope[0, 0, 0], slope[1, 0, 0] = 3, 2
    slope[:, 3, 3] = -2.5
    picture = np.full((4, 4, 1), 255, dtype=np.uint8)
    drawn = np.asarray(sensitive(picture, slope, (0.0, 0.0, 4.0, 4.0))).astype(int)
    side = drawn.shape[0] // 4
    rise, fall, none = (drawn[r * side + 3, c * side + 3] for r, c in ((0, 0), (3, 3), (1, 2)))
    assert rise[0] > rise[1] > rise[2]
    assert fall[2] > fall[0] > fall[1]
    assert none.tolist() == [255, 255, 255]
    blank = sensitive(picture, np.zeros_like(slope), (0.0, 0.0, 4.0, 4.0))
    assert np.asarray(blank).min() == 255


# --- pages of every kind of program ---------------------------------------------


def document_of(gallery: Gallery, revision: Revision, program: Program) -> dict[str, Any]:
    again: dict[str, Any] = json.loads(gallery.index.read_text())
    return told(again, replace(revision, program=program))


def test_exceptions_counts_and_chained_rules_are_shown_with_their_literals(
    gallery: Gallery, extracted: Revision
) -> None:
    seen, other, third = (entry["name"] for entry in gallery.document["propositions"][:3])
    classes = extracted.program.classes
    program = Program(
        (
            Rule("r1", ClassHead(classes[0]), (Literal(seen), Unless("r1"))),
            Rule("r1_1", ExceptionHead("r1"), (Literal(other, False),)),
            Rule(
                "r2", ClassHead(classes[1]), (AtLeast(1, (Literal(third), Literal("conv9_c<1"))),)
            ),
            Rule("d1", DerivedHead(seen), (Literal(other),)),
        ),
        classes,
        "ordered",
        classes[2],
    )
    pages = gallery_pages(document_of(gallery, extracted, program))
    first, second, last = (
        next(text for name, text in pages.items() if name.startswith(f"class-{place}-"))
        for place in range(3)
    )
    assert (
        "unless all of these hold" in first and f"<code>{other}</code></a> is <em>not</em>" in first
    )
    assert "or decided by rules" in first
    assert "at least 1 of these 2" in second
    assert "No picture of it in this gallery" in second and "conv9_c&lt;1" in second
    assert "Where no rule holds, this class is the answer. It has no rule of its own." in last
    chained = next(text for name, text in pages.items() if name.startswith("chained-"))
    assert f"decides <code>{seen}</code>" in chained
    assert re.search(r'href="chained-\w+\.html#rule-d1"', first)


def test_lines_of_points_say_what_they_add(gallery: Gallery, extracted: Revision) -> None:
    name = gallery.document["propositions"][0]["name"]
    classes = extracted.program.classes
    program = Program(
        (Rule("p1", PointsHead(classes[0], -2), (Literal(name),)),),
        classes,
        "points",
        bases=((classes[0], 5),),
    )
    pages = gallery_pages(document_of(gallery, extracted, program))
    text = next(t for n, t in pages.items() if n.startswith("class-0-"))
    assert "-2 points" in text and "begins with 5" in text


def test_labels_and_rules_are_told_anew_without_looking_at_images_again(
    gallery: Gallery, extracted: Revision
) -> None:
    entry = gallery.document["propositions"][0]
    marks = (Label(entry["name"], "left <stroke>", by_hand("ada")),)
    document = told(gallery.document, replace(extracted, marks=marks))
    assert document["propositions"][0]["label"] == {"text": "left <stroke>", "by": "hand(ada)"}
    assert document["propositions"][0]["images"] == entry["images"]
    pages = "".join(gallery_pages(document).values())
    assert "left &lt;stroke&gt;" in pages and "left <stroke>" not in pages


def test_a_revised_revision_has_its_parent_s_newest_gallery_with_its_own_labels_and_rules(
    revision: Path, source: Source
) -> None:
    parent = open_revision(revision)
    build_gallery(parent, source.dataset, source.network, top=3)
    last = build_gallery(parent, source.dataset, source.network, top=1)
    gone, name = parent.program.rules[0].id, parent.program.propositions()[-1]
    revised = revise(
        parent,
        labels=write_labels([Label(name, "left stroke", by_hand("ada"))]),
        edits=[RemoveRule(gone)],
        unmeasured="not needed",
        repository=Repository(revision.parent.parent),
    )
    assert revised.revision is not None
    room = revised.revision.directory / "gallery"
    (index,) = room.glob("index-*.json")
    document = json.loads(index.read_text())
    assert document["revision"] == "three/2" and document["etag"] == revised.revision.etag
    assert document["top"] == 1 and "left stroke" in next(room.glob("index-*.html")).read_text()
    assert gone not in {rule["id"] for rule in document["rules"]}
    shown = {path.name for path in (room / "pictures").iterdir()}
    assert shown == {Path(p).name for page in pages_of(last).values() for p in page.images}
    pages = {path.name: Links(path.read_text()) for path in room.glob("*.html")}
    assert all((room / path).is_file() for page in pages.values() for path in page.images)


def test_a_gallery_that_cannot_be_read_goes_along_as_it_is(revision: Path) -> None:
    (revision / "gallery").mkdir()
    for name, text in (("index-1.json", '{"schema": 1}'), ("index-2.json", "{"), ("a.html", "")):
        (revision / "gallery" / name).write_text(text)
    assert carried_gallery(revision) is None
    revised = revise(
        open_revision(revision),
        user="vehicle(I) :- decision(I, 'Digit_1').\n",
        repository=Repository(revision.parent.parent),
    )
    assert revised.revision is not None
    assert sorted(p.name for p in (revised.revision.directory / "gallery").iterdir()) == [
        "a.html",
        "index-1.json",
        "index-2.json",
    ]
