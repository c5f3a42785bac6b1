"""Groups of images that reach a target by different routes, found by clustering, or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from proofsight_server.circuits.moments import Doubles
from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.feature import Ints

SMALLEST = 10
COMPONENTS = 20
_MOST = 5
_STARTS = 10


@dataclass(frozen=True, slots=True)
class GroupingOptions:
    """When a clustering of routes counts as groups.

    Attributes
    ----------
    smallest
        Images that the smallest group has at least.
    most
        Groups at most; 2 to `most` are tried.
    stability
        Mean adjusted Rand index at least, between the groups of all images and those of
        bootstrap samples of them.
    draws
        Bootstrap samples, and as many reference data sets without groups.
    seed
        Of everything random.
    """

    smallest: int = SMALLEST
    most: int = _MOST
    stability: float = 0.8
    draws: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if self.smallest < 1 or self.most < 2 or self.draws < 1:
            raise BadOption(
                "groups need smallest ≥ 1, most ≥ 2 and draws ≥ 1, not "
                f"{self.smallest}, {self.most} and {self.draws}"
            )


@dataclass(frozen=True, slots=True)
class Trial:
    """One number of groups that was tried, with the silhouette of its clustering.

    `smallest` is the size of its smallest group.
    """

    groups: int
    silhouette: float
    smallest: int


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups of images, or why none were found.

    Attributes
    ----------
    groups
        Positions of the images of each group, the largest first; empty without a split.
    reason
        Why no split was found, '' where one was.
    trials
        What was tried.
    silhouette
        Of the chosen number of groups, -1..1.
    reference
        The largest silhouette among data sets without groups: Gaussians with the same variances.
    stability
        Mean adjusted Rand index over bootstrap samples.
    """

    groups: tuple[Ints, ...]
    reason: str
    trials: tuple[Trial, ...] = ()
    silhouette: float | None = None
    reference: float | None = None
    stability: float | None = None

    @property
    def found(self) -> bool:
        """Whether there is a split."""
        return not self.reason


def group(routes: Doubles, options: GroupingOptions | None = None) -> Grouping:
    """Groups of images whose routes are alike, if there are any.

    k-means of the principal components, k by the silhouette.  k-means splits anything, so a
    split also has to be clearer than in data without groups, and to come out again from
    bootstrap samples of the images.

    Parameters
    ----------
    routes
        (n, channels) per image: channel-level actgrad, each layer's part adding up to 1.
    options
        What counts as a split.

    Raises
    ------
    BadTensor
        A route is not finite.
    """
    options = options or GroupingOptions()
    if not np.isfinite(routes).all():
        raise BadTensor("a route has values that are not finite, so it cannot be grouped")
    images = len(routes)
    if images < 2 * options.smallest:
        return Grouping(
            (),
            f"{images} images are too few for two groups of {options.smallest}; give more images "
            "or accept smaller groups",
        )
    points = principal_components(routes)
    if not points.shape[1]:
        return Grouping((), "the routes of all images are the same")
    rng = np.random.default_rng(options.seed)
    labels, trials = _clustered(points, options, rng)
    best = _best(trials, options)
    if best is None:
        return Grouping(
            (), f"every clustering has a group below {options.smallest} images", tuple(trials)
        )
    chosen, silhouette = labels[best], trials[best].silhouette
    reference = _reference(points, options, rng)
    stability = _stability(points, chosen, options, rng)
    reason = ""
    if silhouette <= reference:
        reason = (
            f"the routes group no better (silhouette {silhouette:.3f}) than data without groups "
            f"(up to {reference:.3f} in {options.draws} draws)"
        )
    elif stability < options.stability:
        reason = (
            f"the groups do not come out again from other samples of the images (adjusted Rand "
            f"index {stability:.2f}, needed {options.stability:g})"
        )
    return Grouping(
        () if reason else _members(chosen), reason, tuple(trials), silhouette, reference, stability
    )


def principal_components(routes: Doubles, components: int = COMPONENTS) -> Doubles:
    """Coordinates (n, at most `components`) along the directions of largest variance.

    A direction's sign is fixed by its largest loading; directions without variance are left out.
    """
    centred = routes - routes.mean(axis=0)
    left, values, right = np.linalg.svd(centred, full_matrices=False)
    # More than n - 1 directions, or those below rounding, are noise of the arithmetic.
    kept = (values > 1e-9 * max(float(np.abs(routes).max()), 1e-300))[: len(routes) - 1]
    rank = min(components, int(kept.sum()))
    largest = np.abs(right[:rank]).argmax(axis=1)
    signs = np.sign(right[np.arange(rank), largest])
    coordinates: Doubles = left[:, :rank] * (values[:rank] * signs)
    return coordinates


def _clustered(
    points: Doubles, options: GroupingOptions, rng: np.random.Generator, starts: int = _STARTS
) -> tuple[list[Ints], list[Trial]]:
    labels, trials = [], []
    for groups in range(2, min(options.most, len(points) // options.smallest) + 1):
        means = KMeans(groups, n_init=starts, random_state=int(rng.integers(2**31)))
        found = means.fit_predict(points).astype(np.int64)
        sizes = np.bincount(found, minlength=groups)
        distinct = int((sizes > 0).sum())
        clear = float(silhouette_score(points, found)) if 1 < distinct < len(points) else -1.0
        labels.append(found)
        trials.append(Trial(groups, clear, int(sizes.min())))
    return labels, trials


def _best(trials: list[Trial], options: GroupingOptions) -> int | None:
    large = [place for place, trial in enumerate(trials) if trial.smallest >= options.smallest]
    return max(large, key=lambda place: (trials[place].silhouette, -place), default=None)


def _reference(points: Doubles, options: GroupingOptions, rng: np.random.Generator) -> float:
    """The largest silhouette of as many Gaussian points with the same variances."""
    spread = points.std(axis=0)
    largest = -1.0
    for _ in range(options.draws):
        drawn = rng.normal(size=points.shape) * spread
        _, trials = _clustered(drawn, options, rng, starts=2)
        best = _best(trials, options)
        largest = max(largest, -1.0 if best is None else trials[best].silhouette)
    return largest


def _stability(
    points: Doubles, labels: Ints, options: GroupingOptions, rng: np.random.Generator
) -> float:
    """How well clusterings of bootstrap samples, extended to all images, agree with `labels`."""
    groups = int(labels.max()) + 1
    indices = []
    for _ in range(options.draws):
        sample = rng.integers(len(points), size=len(points))
        means = KMeans(groups, n_init=2, random_state=int(rng.integers(2**31)))
        indices.append(adjusted_rand_score(labels, means.fit(points[sample]).predict(points)))
    return float(np.mean(indices))


def _members(labels: Ints) -> tuple[Ints, ...]:
    found = [np.flatnonzero(labels == label) for label in range(int(labels.max()) + 1)]
    return tuple(sorted(found, key=lambda members: (-len(members), int(members[0]))))
