"""Colours of signed numbers, on one scale whose zero is grey, for the colour-blind too."""

from __future__ import annotations

EXCITES, INHIBITS, NOTHING = (33, 102, 172), (179, 88, 6), (190, 190, 190)


def signed(value: float, largest: float) -> str:
    """Grey at 0, blue towards `largest`, orange towards -`largest`: `#rrggbb`."""
    share = 0.0 if not largest else max(-1.0, min(1.0, value / largest))
    end = EXCITES if share >= 0 else INHIBITS
    mixed = (
        round(grey + (colour - grey) * abs(share) ** 0.6)
        for grey, colour in zip(NOTHING, end, strict=True)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)
