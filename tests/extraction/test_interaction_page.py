"""Facts, pictures and pages of interactions, without a browser."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from proofsight_server.extraction.interaction_document import document
from proofsight_server.extraction.interaction_page import page, picture
from proofsight_server.extraction.interaction_panels import falls, sum_rows
from proofsight_server.extraction.interaction_rows import rows_of
from proofsight_server.extraction.interactions import ExplainedImage
from proofsight_server.extraction.pixel_digest import digest_pixels
from proofsight_server.extraction.raster import png
from proofsight_server.extraction.region_outline import outlines
from proofsight_server.interactions.facts import UNIT
from proofsight_server.interactions.image_explanation import Solving, explain_image
from proofsight_server.interactions.regions import Regions, grid
from proofsight_server.interactions.tabulation import Asked, tabulate
from proofsight_server.knowledge.interaction_source import write_interactions
from proofsight_server.symbols.feature import Bools
from tests.interactions.networks import picture as pixels_of
from tests.interactions.networks import subject


@pytest.fixture(scope="module")
def explained() -> ExplainedImage:
    """Of two networks; a region and the class have names that have to be quoted everywhere."""
    regions = grid((8, 8), 2, 2)
    odd = Regions(regions.labels, ("</script>", "it's", "c & d", "é"), regions.made)
    subjects = [subject("a/1", 0), subject("b/1", 5)]
    tables = tabulate(subjects, odd, Asked(class_name="two words"))
    explanation = explain_image(tables, Solving(box=0))
    pixels = np.repeat(pixels_of(), 3, axis=2)
    facts = write_interactions(explanation, "7 Käse.png", {"pixels": "0"})
    return ExplainedImage("7 Käse", pixels, digest_pixels(pixels), explanation, facts)


def test_facts_are_named_by_their_content_and_quoted(explained: ExplainedImage) -> None:
    facts = explained.facts
    assert re.fullmatch(r"image_7_k_se_png_[0-9a-f]{12}", facts.image)
    assert f"regions({facts.image}, 4)." in facts.text
    assert f"region({facts.image}, 1, box(4, 0, 8, 4), 'it\\'s')." in facts.text
    again = write_interactions(explained.explanation, "7 Käse.png", {"pixels": "0"})
    other = write_interactions(explained.explanation, "7 Käse.png", {"pixels": "1"})
    assert again == facts
    assert other.image != facts.image
    for network in explained.explanation.networks:
        about = f"'{network.network}', {facts.image}, 'two words'"
        assert f"residual_bound({about}, {network.bound})." in facts.text
        listed = re.search(rf"masked_scores\({re.escape(about)}, 0, \[(.*)\]\)", facts.text)
        assert listed is not None
        assert [int(number) for number in listed[1].split(",")] == network.scores.tolist()


def test_the_picture_is_well_formed_and_as_large_as_a_png(explained: ExplainedImage) -> None:
    drawing = picture(explained)
    root = ElementTree.fromstring(drawing.svg())
    assert len(root) == len(drawing.shapes) + 1
    with Image.open(io.BytesIO(png(drawing))) as image:
        assert image.size == (round(2 * drawing.width), round(2 * drawing.height))
        assert len(np.unique(np.asarray(image.convert("L")))) > 50


def test_the_page_holds_its_facts_and_loads_nothing(explained: ExplainedImage) -> None:
    text = page(explained)
    assert re.search(r'(?:src|href)="(?!data:)', text) is None
    assert text.count("</script>") == 2  # a region's name ends no script
    data = re.search(r'<script type="application/json" id="facts">(.*?)</script>', text, re.S)
    assert data is not None
    told = json.loads(data[1])
    assert told["regions"][0] == "</script>"
    for network, facts in zip(told["networks"], explained.explanation.networks, strict=True):
        assert network["scores"] == facts.scores.tolist()
        full = network["bias"] + sum(effect[2] for effect in network["effects"])
        assert full == int(facts.sums()[-1])
    for part in ("verdict", "proof", "goal", "all", "none", "invert", "net"):
        assert f'id="{part}"' in text


def test_the_rows_of_a_sum_end_at_the_networks_score(explained: ExplainedImage) -> None:
    rows = rows_of(explained)
    for facts in explained.explanation.networks:
        for mask in range(16):
            told = sum_rows(facts, rows, mask)
            assert told[-1][1] == pytest.approx(facts.scores[mask] / UNIT)
            assert told[-3][1] == pytest.approx(facts.sums()[mask] / UNIT)
            assert sum(n for _, n, _ in told[:-3]) == pytest.approx(told[-3][1])
            begin, end = falls(told)[-1]
            assert end - begin == pytest.approx(abs(told[-1][1]))


def test_the_document_is_json_and_says_what_the_facts_say(explained: ExplainedImage) -> None:
    told = json.loads(json.dumps(document(explained), allow_nan=False))
    assert told["image"] == explained.facts.image
    assert told["class"] == "two words"
    assert [one["network"] for one in told["networks"]] == ["a/1", "b/1"]
    assert told["networks"][0]["residual_bound"] == explained.explanation.networks[0].bound
    assert told["sharing"]["chance"]
    assert told["sharing"]["renamed_regions"]["extractions"] == 3
    assert "(mean of 3)" in page(explained)


@settings(deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_outlines_enclose_exactly_the_pixels_of_a_region(inside: Bools) -> None:
    area = 0.0
    for line in outlines(inside):
        assert len(set(line)) >= 4
        ends = [*line[1:], line[0]]
        area += sum(x * d - c * y for (x, y), (c, d) in zip(line, ends, strict=True)) / 2
    assert area == inside.sum()
