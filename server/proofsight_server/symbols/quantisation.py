"""The fitted set of propositions: turns feature values into bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadOption, BadRevision, BadTensor, UnknownLayer
from proofsight_server.symbols.feature import (
    REDUCTIONS,
    Bools,
    Feature,
    Floats,
    Layer,
    Proposition,
    Reduction,
)

# Batch size and device move the last bits of a float; a value this close to its threshold
# (in training deviations) may fall on either side of it elsewhere.
NEAR_TIE = 1e-4


@dataclass(frozen=True, slots=True)
class Quantisation:
    """Layers and the propositions over them, with what was learned about each.

    `layers` stand in order of depth.  `propositions` has the observable ones first, in
    canonical order, then those that only `derived/2` decides.  `scales` (standard deviation
    on training images, ddof 0) and `rates` (share of training images where it is active)
    have one entry per observable proposition, or none where they are not known.
    `aliases` are features that were merged away: (name, representative, whether their bits
    are equal; if not, they are complementary).  `dropped` are those whose bit never changes.
    """

    layers: tuple[Layer, ...]
    propositions: tuple[Proposition, ...]
    default_reduction: Reduction = "l1"
    scales: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    aliases: tuple[tuple[str, str, bool], ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def observable(self) -> tuple[Proposition, ...]:
        """The propositions that have a feature: one column of values each."""
        return tuple(p for p in self.propositions if p.feature is not None)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features of the observable propositions, in their order."""
        return tuple(p.feature for p in self.propositions if p.feature is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the observable propositions, in their order."""
        return tuple(p.name for p in self.observable)

    @property
    def by_layer(self) -> dict[str, tuple[str, ...]]:
        """The names of the observable propositions of each layer, lowest layer first."""
        return {
            layer.atom: tuple(p.name for p in self.observable if p.layer == layer.atom)
            for layer in self.layers
        }

    def layer_of(self, name: str) -> str:
        """The atom of a layer that propositions read, named by its atom or by its path.

        Raises
        ------
        UnknownLayer
            There is none; the nearest of both are given.
        """
        read = {proposition.layer for proposition in self.observable}
        known = {layer.module: layer.atom for layer in self.layers if layer.atom in read}
        known |= {atom: atom for atom in known.values()}
        if name not in known:
            raise UnknownLayer(name, known)
        return known[name]

    @property
    def thresholds(self) -> Floats:
        """The thresholds of the observable propositions, shape (p,) float32."""
        return np.array([p.threshold for p in self.observable], dtype=np.float32)

    def bits(self, values: Floats) -> Bools:
        """Whether each observable proposition is active: value > threshold, strictly.

        `values` has shape (n, p) float32, one column per observable proposition; so has the
        answer.  Raises BadTensor for another shape or type.
        """
        active: Bools = self._checked(values) > self.thresholds
        return active

    def margins(self, values: Floats) -> npt.NDArray[np.float64]:
        """How far values lie above their thresholds, in training deviations; 0 where those are 0.

        Shapes as in `bits`.  Raises BadRevision where the deviations are not known.
        """
        scales = np.array(self.scales)
        if len(scales) != len(self.observable):
            raise BadRevision(
                f"the deviations of {len(self.observable)} propositions are needed for margins, "
                f"but {len(scales)} are known; extract the revision again"
            )
        above = self._checked(values).astype(np.float64) - self.thresholds
        margins = np.zeros_like(above)
        np.divide(above, scales, out=margins, where=scales > 0)
        return margins

    def near_ties(self, values: Floats) -> Bools:
        """Whether a value is so close to its threshold that another machine may differ."""
        near: Bools = np.abs(self.margins(values)) < NEAR_TIE
        return near

    def _checked(self, values: Floats) -> Floats:
        if values.ndim != 2 or values.shape[1] != len(self.observable):
            raise BadTensor(
                f"values have one column for each of {len(self.observable)} observable "
                f"propositions, not shape {values.shape}"
            )
        if values.dtype != np.float32:
            raise BadTensor(
                f"values are float32, as thresholds are, not {values.dtype}; round once, "
                "where they are computed"
            )
        return values


def joined(parts: Sequence[Quantisation]) -> Quantisation:
    """One quantisation out of those of single layers, which stand in order of depth.

    No proposition of one layer then stands for one of another, as it may where all were fitted
    together, so that each layer can be read by itself.  Raises BadOption if the atoms of two
    layers make two propositions share a name.
    """
    names = [name for part in parts for name in part.names]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadOption(f"two propositions would be named {twice}; give a layer another atom")
    return replace(
        parts[0],
        layers=tuple(layer for part in parts for layer in part.layers),
        propositions=tuple(p for part in parts for p in part.propositions),
        scales=tuple(scale for part in parts for scale in part.scales),
        rates=tuple(rate for part in parts for rate in part.rates),
        aliases=tuple(alias for part in parts for alias in part.aliases),
        dropped=tuple(name for part in parts for name in part.dropped),
    )


def canonical_order(features: Sequence[Feature], layers: Sequence[Layer]) -> list[int]:
    """Positions of `features` in canonical order, which settles every tie.

    The order is depth of the layer, channel or unit, grid, cell row, cell column, reduction.
    Raises BadOption for a feature of a layer that is not in `layers`.
    """
    depth = {layer.atom: place for place, layer in enumerate(layers)}
    for feature in features:
        if feature.layer not in depth:
            raise BadOption(
                f"a feature reads the layer {feature.layer}, but the layers are "
                f"{', '.join(depth) or 'none'}"
            )

    def place(position: int) -> tuple[int, ...]:
        feature = features[position]
        grid, at = (feature.cell.grid, feature.cell.at) if feature.cell else ((1, 1), (0, 0))
        reduction = REDUCTIONS.index(feature.reduction)
        return (depth[feature.layer], feature.index, *grid, *at, reduction)

    return sorted(range(len(features)), key=place)


def proposition_names(
    features: Sequence[Feature], layers: Sequence[Layer], default_reduction: Reduction = "l1"
) -> tuple[str, ...]:
    """Name each feature with a unique atom; a feature's second threshold gets `_t2`, and so on.

    Raises BadOption if the atoms of two layers make two features share a name.
    """
    kinds = {layer.atom: layer.kind for layer in layers}
    seen: dict[Feature, int] = {}
    owners: dict[str, Feature] = {}
    names = []
    for feature in features:
        count = seen[feature] = seen.get(feature, 0) + 1
        name = feature.name(kinds[feature.layer], default_reduction)
        if count > 1:
            name = f"{name}_t{count}"
        if owners.setdefault(name, feature) != feature:
            raise BadOption(
                f"{feature} and {owners[name]} would both be named {name}; "
                "give one of the layers another atom"
            )
        names.append(name)
    return tuple(names)
