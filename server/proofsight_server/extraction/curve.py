"""Curves as a picture: SVG written by hand, for reports and pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from proofsight_server.errors import BadOption

Points = Sequence[tuple[float, float]]

# Okabe and Ito's colours, which people of every colour vision tell apart, darkest first.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
# Where colours repeat, and in print without any, strokes and marks still differ.
DASHES = ("", "7 4", "2 3", "10 3 2 3", "5 2", "1 4", "12 5")

_WIDTH, _HEIGHT = 720, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 24, 48, 64
_ROW = 20  # of the legend
_COLUMNS = 2
_TICKS = 6


def curve_svg(
    title: str,
    x_label: str,
    y_label: str,
    series: Mapping[str, Points],
    *,
    x_names: Mapping[float, str] | None = None,
    levels: Mapping[str, float] | None = None,
) -> str:
    """A line chart as a standalone SVG document.

    Parameters
    ----------
    title, x_label, y_label
        Texts around it.
    series
        Points (x, y) of each line by its name, drawn by rising x; a line without points is left
        out.  Pointing at a point tells its numbers.
    x_names
        What stands at which x instead of numbers, for instance layers.
    levels
        What each line is to be compared with: a thin dashed level in its colour, by its name.

    Raises
    ------
    BadOption
        There is no point at all, or a number is not finite.
    """
    lines = {name: sorted(points) for name, points in series.items() if points}
    numbers = [number for points in lines.values() for point in points for number in point]
    beside = {name: level for name, level in (levels or {}).items() if name in lines}
    if not numbers:
        raise BadOption(f"there are no points to draw for {title!r}; give at least one")
    if not all(map(math.isfinite, [*numbers, *beside.values()])):
        raise BadOption(
            f"the points of {title!r} are not all finite; leave out what was not measured"
        )
    xs = _Axis.of([*numbers[::2], *(x_names or {})], _LEFT, _WIDTH - _RIGHT, exact=bool(x_names))
    ys = _Axis.of([*numbers[1::2], *beside.values()], _HEIGHT - _BOTTOM, _TOP)
    height = _HEIGHT + _ROW * math.ceil(len(lines) / _COLUMNS) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(_WIDTH / 2, 26, title, size=16, weight="bold"),
        *_grid(xs, ys, x_names or {}),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 16, x_label),
        _text(20, (_TOP + _HEIGHT - _BOTTOM) / 2, y_label, turned=True),
    ]
    for place, (name, points) in enumerate(lines.items()):
        if name in beside:
            parts += _level(place, name, beside[name], xs, ys)
        parts += _line(place, name, points, xs, ys)
        parts += _legend(place, name)
    return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Axis:
    """From numbers to places along one side of the picture, and the ticks beside it."""

    low: float
    high: float
    begin: float
    end: float
    ticks: tuple[float, ...]

    @classmethod
    def of(
        cls, numbers: Sequence[float], begin: float, end: float, *, exact: bool = False
    ) -> _Axis:
        low, high = min(numbers), max(numbers)
        if low == high:
            low, high = low - 0.5, high + 0.5
        if exact:  # room beside the first and the last name
            room = (high - low) / 8
            return cls(low - room, high + room, begin, end, ())
        step = _step(high - low)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        ticks = tuple(tick * step for tick in range(first, last + 1))
        return cls(ticks[0], ticks[-1], begin, end, ticks)

    def place(self, number: float) -> float:
        return self.begin + (number - self.low) / (self.high - self.low) * (self.end - self.begin)


def _step(span: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that needs no more than so many ticks."""
    power = 10.0 ** math.floor(math.log10(span / _TICKS))
    return next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= _TICKS)


def _grid(xs: _Axis, ys: _Axis, x_names: Mapping[float, str]) -> Iterator[str]:
    for tick in ys.ticks:
        y = ys.place(tick)
        yield _stroke(xs.begin, y, xs.end, y, "#dddddd")
        yield _text(_LEFT - 8, y + 4, _number(tick), anchor="end")
    names = x_names or {tick: _number(tick) for tick in xs.ticks}
    for tick, name in names.items():
        x = xs.place(tick)
        yield _stroke(x, ys.begin, x, ys.begin + 5, "#444444")
        yield _text(x, ys.begin + 20, name)
    yield _stroke(xs.begin, ys.begin, xs.end, ys.begin, "#444444")


def _line(place: int, name: str, points: Points, xs: _Axis, ys: _Axis) -> Iterator[str]:
    colour = COLOURS[place % len(COLOURS)]
    placed = [(xs.place(x), ys.place(y)) for x, y in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    yield f'<polyline points="{path}" {_pen(place)} fill="none"/>'
    for (x, y), (left, up) in zip(points, placed, strict=True):
        told = escape(f"{name}: {_number(x)}, {_number(y)}")
        yield (
            f'<circle cx="{left:.1f}" cy="{up:.1f}" r="4" fill="{colour}" stroke="#ffffff">'
            f"<title>{told}</title></circle>"
        )


def _level(place: int, name: str, level: float, xs: _Axis, ys: _Axis) -> Iterator[str]:
    y, colour = ys.place(level), COLOURS[place % len(COLOURS)]
    yield (
        f'<line x1="{xs.begin:.1f}" y1="{y:.1f}" x2="{xs.end:.1f}" y2="{y:.1f}" stroke="{colour}" '
        'stroke-width="1.2" stroke-dasharray="3 5">'
        f"<title>{escape(f'{name}, compared with: {_number(level)}')}</title></line>"
    )
    yield _text(xs.end, y - 4, name, anchor="end", size=11)


def _legend(place: int, name: str) -> Iterator[str]:
    row, column = divmod(place, _COLUMNS)
    x = _LEFT + column * (_WIDTH - _LEFT - _RIGHT) / _COLUMNS
    y = _HEIGHT + 4 + row * _ROW
    yield f'<line x1="{x}" y1="{y}" x2="{x + 32}" y2="{y}" {_pen(place)}/>'
    yield _text(x + 40, y + 4, name, anchor="start")


def _pen(place: int) -> str:
    dash = DASHES[place % len(DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="{COLOURS[place % len(COLOURS)]}" stroke-width="2.2"{dashed}'


def _stroke(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "middle",
    size: int | None = None,
    weight: str = "",
    turned: bool = False,
) -> str:
    more = f' font-size="{size}"' if size else ""
    more += f' font-weight="{weight}"' if weight else ""
    more += f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222222"{more}>'
        f"{escape(text)}</text>"
    )


def _number(number: float) -> str:
    return f"{number:.6g}"
