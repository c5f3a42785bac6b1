"""Drawings as PNG."""

from __future__ import annotations

import base64
import io
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from proofsight_server.extraction.drawing import Drawing, Line, Picture, Rect, Shape, Text

_SCALE = 2
_DASH = 5.0
# The one font that Pillow brings has no Greek and no raised figures.
_SPELLED = str.maketrans({"α": "alpha", "ε": "eps", "²": "^2", "…": "...", "–": "-", "−": "-"})


def png(drawing: Drawing) -> bytes:
    """The drawing at two pixels per unit, on white."""
    size = round(drawing.width * _SCALE), round(drawing.height * _SCALE)
    image = Image.new("RGB", size, "white")
    for shape in drawing.shapes:
        _draw(image, shape)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _draw(image: Image.Image, shape: Shape) -> None:
    canvas = ImageDraw.Draw(image, "RGBA")
    match shape:
        case Rect():
            box = _scaled((shape.x, shape.y), (shape.x + shape.width, shape.y + shape.height))
            if shape.width > 0 and shape.height > 0:
                canvas.rectangle(
                    box,
                    fill=_colour(shape.fill, shape.opacity),
                    outline=_colour(shape.stroke, shape.opacity),
                    width=max(1, round(shape.thickness * _SCALE)),
                )
        case Line():
            _draw_line(canvas, shape)
        case Text():
            font = ImageFont.load_default(shape.size * _SCALE)
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
            canvas.text(
                (shape.x * _SCALE, shape.y * _SCALE),
                shape.text.translate(_SPELLED),
                fill=shape.fill,
                font=font,
                anchor=anchor,
                stroke_width=0.4 if shape.bold else 0,
            )
        case Picture():
            with Image.open(io.BytesIO(base64.b64decode(shape.png))) as pixels:
                size = round(shape.width * _SCALE), round(shape.height * _SCALE)
                shown = pixels.convert("RGBA").resize(size, Image.Resampling.NEAREST)
            image.paste(shown, (round(shape.x * _SCALE), round(shape.y * _SCALE)), shown)


def _draw_line(canvas: ImageDraw.ImageDraw, shape: Line) -> None:
    points = _scaled(*shape.points)
    if shape.fill and len(points) > 2:
        canvas.polygon(points, fill=_colour(shape.fill, shape.opacity))
    if not shape.stroke:
        return
    ends = [*points, points[0]] if shape.closed else points
    width = max(1, round(shape.thickness * _SCALE))
    colour = _colour(shape.stroke, shape.opacity)
    if not shape.dashed:
        canvas.line(ends, fill=colour, width=width, joint="curve")
        return
    for (x0, y0), (x1, y1) in pairwise(ends):
        length = max(abs(x1 - x0), abs(y1 - y0))
        steps = max(1, round(length / (2 * _DASH)))
        for step in range(steps):
            a, b = step / steps, (step + 0.5) / steps
            canvas.line(
                [
                    (x0 + (x1 - x0) * a, y0 + (y1 - y0) * a),
                    (x0 + (x1 - x0) * b, y0 + (y1 - y0) * b),
                ],
                fill=colour,
                width=width,
            )


def _scaled(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * _SCALE, y * _SCALE) for x, y in points]


def _colour(name: str, opacity: float) -> tuple[int, int, int, int] | None:
    """`#rgb` or `#rrggbb` with an opacity; None for no colour."""
    if not name:
        return None
    digits = name[1:] if len(name) == 7 else "".join(2 * digit for digit in name[1:])
    red, green, blue = (int(digits[i : i + 2], 16) for i in (0, 2, 4))
    return red, green, blue, round(255 * opacity)
