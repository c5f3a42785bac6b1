"""Curves as SVG: every point where it belongs, every text as it was given."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsight_server.errors import BadOption
from proofsight_server.extraction.curve import curve_svg

SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Cc"], max_codepoint=0xD7FF), min_size=1),
        st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5),
        min_size=1,
        max_size=9,
    )
)
def test_every_point_is_drawn_inside_the_picture(
    series: dict[str, list[tuple[float, float]]],
) -> None:
    root = ElementTree.fromstring(curve_svg("A < B & 'C'", "x", "y", series))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    circles = list(root.iter(f"{SVG}circle"))
    assert len(circles) == sum(map(len, series.values()))
    for circle in circles:
        assert 0 < float(circle.attrib["cx"]) < width
        assert 0 < float(circle.attrib["cy"]) < height
    shown = [element.text for element in root.iter(f"{SVG}text")]
    assert "A < B & 'C'" in shown
    assert set(series) <= set(shown)


def test_points_stand_in_proportion_between_the_ticks() -> None:
    root = ElementTree.fromstring(curve_svg("t", "x", "y", {"a": [(0, 0.0), (50, 0.5), (100, 1)]}))
    left, middle, right = (
        (float(c.attrib["cx"]), float(c.attrib["cy"])) for c in root.iter(f"{SVG}circle")
    )
    assert middle[0] == pytest.approx((left[0] + right[0]) / 2)
    assert middle[1] == pytest.approx((left[1] + right[1]) / 2)
    assert left[0] < right[0] and left[1] > right[1]
    ticks = texts(curve_svg("t", "x", "y", {"a": [(0, 0.0), (100, 1)]}))
    assert {"0", "20", "100", "0.2", "1"} <= set(ticks)


def test_a_line_is_drawn_by_rising_x_and_an_empty_one_is_left_out() -> None:
    svg = curve_svg("t", "x", "y", {"a": [(3, 1.0), (1, 0.0)], "b": []})
    (line,) = ElementTree.fromstring(svg).iter(f"{SVG}polyline")
    first, last = (float(pair.split(",")[0]) for pair in line.attrib["points"].split())
    assert first < last
    assert "b" not in texts(svg)


def test_names_stand_in_place_of_numbers() -> None:
    names = {0.0: "conv2", 1.0: "conv3"}
    shown = texts(curve_svg("t", "x", "y", {"a": [(0, 0.8), (1, 0.9)]}, x_names=names))
    assert {"conv2", "conv3"} <= set(shown)


def test_one_point_alone_is_drawn() -> None:
    assert "<circle" in curve_svg("t", "x", "y", {"a": [(3, 0.5)]})


def test_the_same_curves_are_the_same_bytes() -> None:
    series = {"a": [(0, 0.1), (1, 0.7)]}
    assert curve_svg("t", "x", "y", series) == curve_svg("t", "x", "y", series)


def test_nothing_to_draw_and_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(BadOption, match="no points to draw for 't'"):
        curve_svg("t", "x", "y", {"a": []})
    with pytest.raises(BadOption, match="not all finite"):
        curve_svg("t", "x", "y", {"a": [(0, float("nan"))]})
