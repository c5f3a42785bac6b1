"""M-of-N rules of a convolution at the positions that they were not read at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from proofsight_server.extraction.mofn_cases import Images
from proofsight_server.extraction.mofn_report import Explained
from proofsight_server.symbols.feature import Cell, Feature, Floats
from proofsight_server.vision.convolution import Convolution


@dataclass(frozen=True, slots=True)
class _Move:
    """A rule at another position: the unit's own feature, and those of its literals."""

    one: Explained
    own: Feature
    inputs: tuple[Feature | None, ...]

    def error(self, values: Floats, column: dict[Feature, int]) -> float:
        """The error of the rule there, its cuts unchanged."""
        site, rule = self.one.site, self.one.rule
        count = np.zeros(len(values), dtype=np.int64)
        for number, feature in zip(rule.inputs, self.inputs, strict=True):
            cut = np.float32(site.cuts[number])
            input_values = np.float32(0) if feature is None else values[:, column[feature]]
            count += (input_values > cut) == (site.weight[number] > 0)
        assert site.target_cut is not None
        on = values[:, column[self.own]] > np.float32(site.target_cut)
        return float(((count >= rule.m) != on).mean())


def moved_errors(
    layer: Convolution, units: Sequence[Explained], images: Images
) -> dict[str, tuple[float, float]]:
    """The mean and the worst error of each channel's rule at all other positions, by name.

    On the images that are held out, where any are.  Maps of one position have no others.
    """
    part = images.only("heldout" if "heldout" in images.decisions else "fit")
    errors: dict[str, list[float]] = {}
    for moves in _grouped(_moves(layer, units), part.most):
        features = list(
            dict.fromkeys(f for m in moves for f in (*m.inputs, m.own) if f is not None)
        )
        column = {feature: at for at, feature in enumerate(features)}
        values = part.values(features, [layer.below, layer.info])["fit"]
        for move in moves:
            errors.setdefault(move.one.site.name, []).append(move.error(values, column))
    return {name: (float(np.mean(own)), max(own)) for name, own in errors.items()}


def _moves(layer: Convolution, units: Sequence[Explained]) -> Iterator[_Move]:
    shape = layer.info.shape
    assert shape is not None
    for one in units:
        index, cell = one.site.unit.index, one.site.unit.feature.cell
        assert cell is not None
        for place in np.ndindex(*shape):
            if place != cell.at:
                at = (int(place[0]), int(place[1]))
                yield _Move(
                    one,
                    Feature(layer.info.layer.atom, index, "value", Cell(shape, at)),
                    tuple(layer.tap(index, number, at) for number in one.rule.inputs),
                )


def _grouped(moves: Iterator[_Move], most: int) -> Iterator[list[_Move]]:
    """Moves that together read no more than so many features, and at least one."""
    group: list[_Move] = []
    features: set[Feature | None] = set()
    for move in moves:
        fresh = {*move.inputs, move.own} - features
        if group and len(features) + len(fresh) > most:
            yield group
            group, features = [], set()
            fresh = {*move.inputs, move.own}
        group.append(move)
        features |= fresh
    if group:
        yield group
