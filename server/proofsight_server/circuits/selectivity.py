"""Whether circuits of groups of images are the groups' own: cross errors, overlap, control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from proofsight_server.circuits.moments import Doubles
from proofsight_server.errors import BadOption
from proofsight_server.symbols.feature import Bools, Ints


def cross_errors(peaks: Doubles, circuit_peaks: Doubles, groups: Sequence[Ints]) -> Doubles:
    """E_ij = Σ|ŷ−y| / Σ|y| of the circuit of group i on the images of group j.

    Parameters
    ----------
    peaks
        (n,) the original target at each image's own maximum.
    circuit_peaks
        (groups, n) each circuit's target at the same positions.
    groups
        Positions of each group's images.

    Returns
    -------
    errors
        (groups, groups); NaN where the original is 0 on a whole group.
    """
    change = np.abs(circuit_peaks - peaks)
    errors = np.empty((len(circuit_peaks), len(groups)))
    for column, members in enumerate(groups):
        size = np.abs(peaks[members]).sum()
        errors[:, column] = change[:, members].sum(axis=1) / size if size else np.nan
    return errors


def selectivities(errors: Doubles) -> Doubles:
    """E_ij − E_ii: how much worse the circuit of group i does on group j, 0 on its own."""
    own: Doubles = np.diagonal(errors)[:, None]
    return errors - own


def separation(errors: Doubles) -> float:
    """Mean of E_ij − E_ii over the pairs of different groups: one number for a cross matrix."""
    others = ~np.eye(len(errors), dtype=np.bool_)
    return float(selectivities(errors)[others].mean())


def overlap(left: Mapping[str, Bools], right: Mapping[str, Bools]) -> dict[str, float | None]:
    """Intersection over union of the kernels of two masks, per layer; None where both are empty."""
    if list(left) != list(right):
        raise BadOption(
            f"masks to compare are of the same layers, not {list(left)} and {list(right)}"
        )
    found: dict[str, float | None] = {}
    for layer, mask in left.items():
        union = int((mask | right[layer]).sum())
        found[layer] = int((mask & right[layer]).sum()) / union if union else None
    return found


def shuffled(
    groups: Sequence[Ints], draws: int, rng: np.random.Generator
) -> tuple[tuple[Ints, ...], ...]:
    """Groups of the same sizes with the members dealt anew, `draws` times.

    Raises
    ------
    BadOption
        There are fewer than two groups.
    """
    if len(groups) < 2:
        raise BadOption(f"a control needs two groups at least, not {len(groups)}")
    members = np.concatenate(groups)
    bounds = np.cumsum([len(group) for group in groups])[:-1]
    return tuple(
        tuple(np.sort(part) for part in np.split(rng.permutation(members), bounds))
        for _ in range(draws)
    )


@dataclass(frozen=True, slots=True)
class Control:
    """A separation beside those of groups with shuffled members.

    Attributes
    ----------
    separation
        Of the groups.
    shuffled
        (draws,) of groups of the same sizes that mean nothing.
    """

    separation: float
    shuffled: tuple[float, ...]

    @property
    def p(self) -> float:
        """Share of draws, the groups themselves among them, that separate at least as well."""
        above = sum(not value < self.separation for value in self.shuffled)
        return (1 + above) / (1 + len(self.shuffled))

    @property
    def separated(self) -> bool:
        """Whether the groups separate, and better than every draw."""
        return self.separation > 0 and all(value < self.separation for value in self.shuffled)
