"""The curve of a circuit's picture: r on held-out images against keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log10
from typing import Any

WIDTH, HEIGHT = 270, 164  # pixels
_LEFT, _TOP, _PLOT = 34, 22, HEIGHT - 58
_APART = 26.0  # between the middles of two keeps that are told
_OWN, _OTHER = "#b3005c", "#2166ac"


def preservation_curve(levels: Sequence[Mapping[str, Any]], keep: float, x: float, y: float) -> str:
    """SVG of r by keep, on a logarithmic axis, with the circuit's own keep set off.

    Parameters
    ----------
    levels
        The `curve` of a circuit's report; a collapse stands at r = 0.
    keep
        The circuit's own.
    x, y
        Where the left upper corner is.
    """
    levels = sorted(levels, key=lambda level: float(level["keep"]))
    low = log10(min(level["keep"] for level in levels))
    bottom = -1 if min(map(_r, levels)) < -0.05 else 0

    def height(r: float) -> float:
        return _TOP + _PLOT * (1 - r) / (1 - bottom)

    def at(level: Mapping[str, Any]) -> tuple[float, float]:
        share = (log10(level["keep"]) - low) / -low if low else 1.0
        return _LEFT + (WIDTH - 48) * share, height(_r(level))

    points = [at(level) for level in levels]
    path = " ".join(f"{u:.1f},{v:.1f}" for u, v in points)
    return "\n".join(
        (
            f'<svg class="curve" x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{HEIGHT}" '
            'role="img" aria-label="r on held-out images by keep">',
            *_ticks(height, bottom),
            f'<polyline points="{path}" fill="none" stroke="{_OTHER}" stroke-width="1.5"/>',
            *_marks(levels, points, keep),
            f'<text x="{WIDTH - 8}" y="{HEIGHT - 5}" text-anchor="end">keep</text>',
            '<text x="2" y="9">r on held-out images</text></svg>',
        )
    )


def _r(level: Mapping[str, Any]) -> float:
    return 0.0 if level["held_out"]["collapse"] else float(level["held_out"]["r"])


def _ticks(height: Any, bottom: int) -> Iterator[str]:
    for r in (-1, 0, 1) if bottom else (0, 0.5, 1):
        y = height(r)
        yield (
            f'<line x1="{_LEFT}" x2="{WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{r:g}</text>'
        )


def _marks(
    levels: Sequence[Mapping[str, Any]], points: Sequence[tuple[float, float]], keep: float
) -> Iterator[str]:
    told: list[float] = [
        x for level, (x, _) in zip(levels, points, strict=True) if _own(level, keep)
    ]
    for level, (x, y) in zip(levels, points, strict=True):
        own = _own(level, keep)
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{4 if own else 2.5}" '
            f'fill="{_OWN if own else _OTHER}"/>'
        )
        if own or all(abs(x - other) >= _APART for other in told):
            told.append(x)
            yield (
                f'<text x="{x:.1f}" y="{HEIGHT - 20}" text-anchor="middle">{level["keep"]:g}</text>'
            )


def _own(level: Mapping[str, Any], keep: float) -> bool:
    return bool(level["keep"] == keep)
