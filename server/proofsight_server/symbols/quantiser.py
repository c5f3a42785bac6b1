"""Fitting a quantiser: thresholds, then only the bits that tell something of their own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Self

import numpy as np

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.feature import (
    Bools,
    Feature,
    Floats,
    Ints,
    Layer,
    Proposition,
    Reduction,
)
from proofsight_server.symbols.quantisation import (
    Quantisation,
    canonical_order,
    proposition_names,
)
from proofsight_server.symbols.threshold import (
    THRESHOLDERS,
    Thresholder,
    checked_target,
    checked_values,
    deviations,
)


class Quantiser:
    """Learns which propositions an image's feature values decide.

    Parameters
    ----------
    threshold
        `mean` (ERIC), `mean_std`, `quantile`, `info_gain`, or a `Thresholder` of one's own.
    default_reduction
        The reduction that names leave unsaid.
    options
        Options of the named threshold, e.g. `alpha=0.6` of `mean_std`, `q=0.5` of `quantile`,
        `cuts=3` of `quantile` and `info_gain`: so many thresholds per feature.

    Attributes
    ----------
    quantisation_
        What `fit` learned.  Features whose bit is the same on all training images are
        dropped; of features with equal or complementary bits the first in canonical order
        stays, and the others become its aliases.
    """

    quantisation_: Quantisation

    def __init__(
        self,
        threshold: str | Thresholder = "mean",
        *,
        default_reduction: Reduction = "l1",
        **options: float,
    ) -> None:
        self.threshold = threshold
        self.default_reduction = default_reduction
        self.options = options

    def fit(
        self,
        values: Floats,
        target: Ints | None,
        features: Sequence[Feature],
        layers: Sequence[Layer],
    ) -> Self:
        """Learn from training images only.

        Parameters
        ----------
        values
            Shape (n, f) float32: one column per feature.
        target
            Shape (n,): class index of each image; only `info_gain` looks at it.
        features
            What the columns are, in any order.
        layers
            The layers that features name, in order of depth.

        Raises
        ------
        BadTensor
            For shapes that do not fit each other, or values that are not finite.
        BadOption
            For an unknown threshold or option, a feature given twice, or if no bit is left.
        """
        values = checked_values(values)
        if values.shape[1] != len(features):
            raise BadTensor(
                f"values have one column per feature: {len(features)} features, "
                f"shape {values.shape}"
            )
        if target is not None:
            target = checked_target(target, len(values))
        order = canonical_order(features, layers)
        features = [features[position] for position in order]
        if len(set(features)) < len(features):
            twice = next(a for a, b in pairwise(features) if a == b)
            raise BadOption(f"{twice} was given twice; give each feature once")
        values = values[:, order]
        levels = self._thresholds(values, target)
        thresholds = levels.T.ravel()
        features = [feature for feature in features for _ in levels]
        values = values if len(levels) == 1 else np.repeat(values, len(levels), axis=1)
        names = proposition_names(features, layers, self.default_reduction)
        bits = values > thresholds
        kept, aliases, dropped = _representatives(bits)
        if not kept:
            atoms = ", ".join(layer.atom for layer in layers)
            raise BadOption(
                f"none of the {len(features)} features of {atoms} divides the {len(values)} "
                f"training images at its {self.threshold!r} threshold; choose another threshold, "
                "reduction or layer"
            )
        scales, rates = deviations(values[:, kept]), bits[:, kept].mean(axis=0)
        self.quantisation_ = Quantisation(
            layers=tuple(layers),
            propositions=tuple(
                Proposition(names[k], features[k].layer, features[k], float(thresholds[k]))
                for k in kept
            ),
            default_reduction=self.default_reduction,
            scales=tuple(map(float, scales)),
            rates=tuple(map(float, rates)),
            aliases=tuple((names[k], names[stays], equal) for k, stays, equal in aliases),
            dropped=tuple(names[k] for k in dropped),
        )
        return self

    def _thresholds(self, values: Floats, target: Ints | None) -> Floats:
        """(cuts, f), rising."""
        strategy = self.threshold
        if isinstance(strategy, str):
            if strategy not in THRESHOLDERS:
                raise BadOption(
                    f"a threshold is one of {', '.join(THRESHOLDERS)}, not {strategy!r}",
                    option="threshold",
                    value=strategy,
                )
            try:
                strategy = THRESHOLDERS[strategy](**self.options)
            except TypeError as error:
                raise BadOption(
                    f"the {strategy} threshold does not take {', '.join(self.options)}",
                    option="threshold",
                ) from error
        elif self.options:
            raise BadOption(
                f"options belong to thresholds given by name; set {', '.join(self.options)} on "
                f"the {type(strategy).__name__} itself"
            )
        thresholds = strategy.fit(values, target).thresholds_
        levels = thresholds[None] if thresholds.ndim == 1 else thresholds
        if levels.shape[1:] != values.shape[1:] or not len(levels) or levels.dtype != np.float32:
            raise BadTensor(
                f"{type(strategy).__name__} gave thresholds of type {thresholds.dtype} and shape "
                f"{thresholds.shape}; they must be float32 of shape {values.shape[1:]}, or one "
                "row of that shape for each cut"
            )
        if not np.isfinite(thresholds).all():
            raise BadTensor(f"{type(strategy).__name__} gave a threshold that is not finite")
        rising: Floats = np.sort(levels, axis=0)
        return rising


def _representatives(
    bits: Bools,
) -> tuple[list[int], list[tuple[int, int, bool]], list[int]]:
    """Columns that stay; (merged column, the one it equals, or complements if False); constants."""
    kept: list[int] = []
    aliases: list[tuple[int, int, bool]] = []
    dropped: list[int] = []
    first: dict[bytes, int] = {}
    opening = bits[0]
    # a column and its complement look alike once each is read relative to its first bit
    patterns = np.packbits((bits ^ opening).T, axis=1)
    for column, pattern in enumerate(patterns):
        if not pattern.any():
            dropped.append(column)
            continue
        stays = first.setdefault(pattern.tobytes(), column)
        if stays == column:
            kept.append(column)
        else:
            aliases.append((column, stays, bool(opening[column] == opening[stays])))
    return kept, aliases, dropped
