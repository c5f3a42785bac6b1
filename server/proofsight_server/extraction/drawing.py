"""Drawings as lists of shapes, written as SVG; raster.py draws the same shapes as PNG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Literal

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

INK = "#1d1d22"


@dataclass(frozen=True, slots=True)
class Mark:
    """What scripts know a shape by, and what a pointer that rests on it is told."""

    kind: str = ""
    data: Mapping[str, str | int] = field(default_factory=dict)
    title: str = ""


NO_MARK = Mark()


@dataclass(frozen=True, slots=True)
class Rect:
    """A box; `fill` or `stroke` may be empty."""

    x: float
    y: float
    width: float
    height: float
    fill: str = ""
    stroke: str = ""
    thickness: float = 1.0
    opacity: float = 1.0
    mark: Mark = NO_MARK


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, open or closed, filled where `fill` says how."""

    points: tuple[Point, ...]
    stroke: str = INK
    thickness: float = 1.0
    closed: bool = False
    fill: str = ""
    opacity: float = 1.0
    dashed: bool = False
    mark: Mark = NO_MARK


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; `y` is its baseline."""

    x: float
    y: float
    text: str
    size: float = 12.0
    fill: str = INK
    anchor: Anchor = "start"
    bold: bool = False
    mark: Mark = NO_MARK


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels of a PNG as base64, enlarged without smoothing."""

    x: float
    y: float
    width: float
    height: float
    png: str
    mark: Mark = NO_MARK


Shape = Rect | Line | Text | Picture


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes from back to front, on white."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str = ""

    def svg(self) -> str:
        """A whole SVG document, which needs nothing besides itself."""
        body = "\n".join(written(self.shapes))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} '
            f'{_n(self.height)}" width="{_n(self.width)}" height="{_n(self.height)}" role="group" '
            f'aria-label="{escape(self.title)}" font-family="system-ui, sans-serif">\n'
            f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
        )


def moved(shapes: Iterable[Shape], x: float, y: float) -> tuple[Shape, ...]:
    """The shapes, elsewhere."""
    return tuple(_moved(shape, x, y) for shape in shapes)


def written(shapes: Sequence[Shape]) -> Iterable[str]:
    """SVG elements, one each."""
    for shape in shapes:
        match shape:
            case Rect():
                yield _element(
                    "rect",
                    {
                        "x": _n(shape.x),
                        "y": _n(shape.y),
                        "width": _n(shape.width),
                        "height": _n(shape.height),
                        **_paint(shape.fill, shape.stroke, shape.thickness, shape.opacity),
                    },
                    shape.mark,
                )
            case Line():
                path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in shape.points)
                dash = {"stroke-dasharray": "4 3"} if shape.dashed else {}
                yield _element(
                    "path",
                    {
                        "d": path + "Z" * shape.closed,
                        **_paint(shape.fill, shape.stroke, shape.thickness, shape.opacity),
                        **dash,
                    },
                    shape.mark,
                )
            case Text():
                attributes = {
                    "x": _n(shape.x),
                    "y": _n(shape.y),
                    "font-size": _n(shape.size),
                    "fill": shape.fill,
                    "text-anchor": shape.anchor,
                    **({"font-weight": "600"} if shape.bold else {}),
                }
                yield _element("text", attributes, shape.mark, escape(shape.text))
            case Picture():
                attributes = {
                    "x": _n(shape.x),
                    "y": _n(shape.y),
                    "width": _n(shape.width),
                    "height": _n(shape.height),
                    "preserveAspectRatio": "none",
                    "style": "image-rendering:pixelated",
                    "href": f"data:image/png;base64,{shape.png}",
                }
                yield _element("image", attributes, shape.mark)


def _moved(shape: Shape, x: float, y: float) -> Shape:
    if isinstance(shape, Line):
        return replace(shape, points=tuple((a + x, b + y) for a, b in shape.points))
    return replace(shape, x=shape.x + x, y=shape.y + y)


def _element(name: str, attributes: Mapping[str, str], mark: Mark, content: str = "") -> str:
    told = dict(attributes)
    if mark.kind:
        told["class"] = mark.kind
    told.update({f"data-{key}": str(value) for key, value in mark.data.items()})
    shown = " ".join(f'{key}="{escape(value)}"' for key, value in told.items())
    title = f"<title>{escape(mark.title)}</title>" if mark.title else ""
    inner = title + content
    return f"<{name} {shown}>{inner}</{name}>" if inner else f"<{name} {shown}/>"


def _paint(fill: str, stroke: str, thickness: float, opacity: float) -> dict[str, str]:
    told = {"fill": fill or "none"}
    if stroke:
        told |= {"stroke": stroke, "stroke-width": _n(thickness)}
    if opacity != 1:
        told["opacity"] = _n(opacity)
    return told


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
