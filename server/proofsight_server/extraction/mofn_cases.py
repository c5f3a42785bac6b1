"""The units of a layer, with the images, targets and cuts that their rules are read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadOption
from proofsight_server.extraction.layerwise import Subject
from proofsight_server.extraction.mofn_options import MofNOptions
from proofsight_server.extraction.mofn_unit import Case, Site
from proofsight_server.rules.cuts import TIE, best_cuts, class_cuts
from proofsight_server.rules.mofn import check_weights
from proofsight_server.symbols.feature import Bools, Feature, Floats, Ints, features_of
from proofsight_server.vision.convolution import Convolution
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.layers import LayerInfo
from proofsight_server.vision.unit import Place, Unit
from proofsight_server.vision.unit_layer import UnitLayer

Doubles = npt.NDArray[np.float64]

_BYTES = 1 << 28  # of values that are read at once


@dataclass(frozen=True, slots=True)
class Images:
    """The images that rules are read from and measured on, and what the network decides.

    `subject` has only them: `fit` and then `heldout` as training images, and `test`.
    `decisions` are class indices per part.
    """

    subject: Subject
    fitted: int
    decisions: Mapping[str, Ints]

    def values(self, features: Sequence[Feature], layers: Sequence[LayerInfo]) -> dict[str, Floats]:
        """(images, features) per part."""
        seen = self.subject.see(features, layers)
        train = seen["train"].values
        parts = {"fit": train[: self.fitted], "heldout": train[self.fitted :]}
        if "test" in seen:
            parts["test"] = seen["test"].values
        return {part: values for part, values in parts.items() if len(values)}

    @property
    def most(self) -> int:
        """How many features may be read at once."""
        images = sum(map(len, self.decisions.values()))
        return max(1, _BYTES // (4 * images))

    def only(self, part: str) -> Images:
        """One part of the training images, `fit` or `heldout`, which then is `fit`."""
        dataset = self.subject.dataset
        first = 0 if part == "fit" else self.fitted
        own = dataset.train.take(np.arange(first, first + len(self.decisions[part])))
        smaller = replace(dataset, train=own, test=dataset.test.take([]))
        return Images(
            replace(self.subject, dataset=smaller), len(own), {"fit": self.decisions[part]}
        )


def drawn(subject: Subject, options: MofNOptions) -> Images:
    """As many images as wanted, drawn by the seed; a share of them is held out.

    Raises
    ------
    BadOption
        Nothing is left to fit on.
    """
    rng = np.random.default_rng(subject.seed)
    dataset = subject.dataset
    train = rng.permutation(len(dataset.train))[: options.images]
    test = np.sort(rng.permutation(len(dataset.test))[: options.images])
    fitted = len(train) - round(options.holdout * len(train))
    if fitted < 1:
        raise BadOption(
            f"holdout {options.holdout} of {len(train)} images leaves none to read rules from; "
            "hold out fewer",
            option="holdout",
            value=options.holdout,
        )
    chosen = Dataset(
        uri=dataset.uri,
        classes=dataset.classes,
        train=dataset.train.take(
            np.concatenate([np.sort(train[:fitted]), np.sort(train[fitted:])])
        ),
        validation=dataset.validation.take([]),
        test=dataset.test.take(test),
        mode=dataset.mode,
        seed=dataset.seed,
    )
    smaller = replace(subject, dataset=chosen)
    last = subject.layers[-1]
    seen = smaller.see([last.unit(0).feature], [last.info])
    decisions = {
        "fit": seen["train"].decisions[:fitted],
        "heldout": seen["train"].decisions[fitted:],
        "test": seen["test"].decisions if "test" in seen else np.empty(0, dtype=np.int64),
    }
    return Images(smaller, fitted, {part: own for part, own in decisions.items() if len(own)})


@dataclass(frozen=True, slots=True)
class Silent:
    """A unit without a rule: nothing tells its value apart about the class, or it never varies."""

    name: str
    unit: Unit


def cases_of(
    layer: UnitLayer | Convolution,
    images: Images,
    options: MofNOptions,
    *,
    units: Sequence[int] | None = None,
) -> Iterator[Case | Silent]:
    """The units of a layer, ready to be searched; `units` are some of them.

    Raises
    ------
    BadTensor
        A weight or a value is not finite.
    BadOption
        A position that is not on the map.
    """
    chosen = range(layer.info.layer.size) if units is None else units
    if isinstance(layer, UnitLayer):
        yield from _linear(layer, images, options, chosen)
    else:
        yield from _convolved(layer, images, options, chosen)


def _linear(
    layer: UnitLayer, images: Images, options: MofNOptions, chosen: Sequence[int]
) -> Iterator[Case | Silent]:
    own = [layer.unit(index) for index in chosen]
    features = [*layer.inputs, *(unit.feature for unit in own)]
    seen = images.values(features, [layer.below, layer.info])
    inputs = {part: values[:, : len(layer.inputs)] for part, values in seen.items()}
    if layer.activation == "softmax":
        decided = images.decisions.items()
        on = {part: classes[:, None] == np.array(chosen) for part, classes in decided}
        targets = _Targets(on, None)
        if options.output_weights == "centred":
            mean = layer.weight.mean(axis=0)
            own = [replace(unit, weight=unit.weight - mean) for unit in own]
    else:
        values = {part: values[:, len(layer.inputs) :] for part, values in seen.items()}
        targets = _Targets.of(values, images)
    yield from _cases(layer.info, own, inputs, targets, images, options)


def _convolved(
    layer: Convolution, images: Images, options: MofNOptions, chosen: Sequence[int]
) -> Iterator[Case | Silent]:
    places = _places(layer, images, options, chosen)
    for group in _grouped(layer, chosen, places, images.most):
        own = [layer.unit(index, places[index]) for index in group]
        features = list(
            dict.fromkeys(
                feature
                for unit in own
                for feature in (*unit.inputs, unit.feature)
                if feature is not None
            )
        )
        column = {feature: at for at, feature in enumerate(features)}
        seen = images.values(features, [layer.below, layer.info])
        # Channels that read the same patch share its values, and the sorting of them.
        for _, alike in groupby(own, lambda unit: unit.inputs):
            units = list(alike)
            at = [column[unit.feature] for unit in units]
            inputs = {part: patch(values, units[0], column) for part, values in seen.items()}
            targets = _Targets.of({part: values[:, at] for part, values in seen.items()}, images)
            yield from _cases(layer.info, units, inputs, targets, images, options)


@dataclass(frozen=True, slots=True)
class _Targets:
    """Whether units are on, per part (images, units), and above which values; None of classes."""

    on: Mapping[str, Bools]
    cuts: Doubles | None

    @classmethod
    def of(cls, values: Mapping[str, Floats], images: Images) -> _Targets:
        """Cut where values tell most about the class; NaN, and never on, where nothing does."""
        cuts = class_cuts(values["fit"], images.decisions["fit"]).cut[:, 0]
        return cls({part: own > cuts.astype(np.float32) for part, own in values.items()}, cuts)


def _cases(
    info: LayerInfo,
    units: Sequence[Unit],
    inputs: Mapping[str, Floats],
    targets: _Targets,
    images: Images,
    options: MofNOptions,
) -> Iterator[Case | Silent]:
    """Units that read the same inputs."""
    names = [name_of(info, unit.feature) for unit in units]
    for name, unit in zip(names, units, strict=True):
        check_weights(unit.weight, name)
    cuts, gains = _input_cuts(inputs["fit"], targets.on["fit"], images.decisions["fit"], options)
    for place, (name, unit) in enumerate(zip(names, units, strict=True)):
        cut = None if targets.cuts is None else float(targets.cuts[place])
        if cut is not None and np.isnan(cut):
            yield Silent(name, unit)
            continue
        yield Case(
            Site(name, unit, unit.weight, cut, cuts[:, place]),
            None if gains is None else gains[:, place],
            inputs,
            {part: np.ascontiguousarray(on[:, place]) for part, on in targets.on.items()},
        )


def patch(values: Floats, unit: Unit, column: Mapping[Feature, int]) -> Floats:
    """(images, inputs) of a unit, out of columns of features; 0 where it reads padding."""
    if None not in unit.inputs:
        return values[:, [column[feature] for feature in unit.inputs if feature is not None]]
    inputs = np.zeros((len(values), len(unit.inputs)), dtype=np.float32)
    real = [at for at, feature in enumerate(unit.inputs) if feature is not None]
    inputs[:, real] = values[:, [column[f] for f in unit.inputs if f is not None]]
    return inputs


def _input_cuts(
    inputs: Floats, targets: Bools, decisions: Ints, options: MofNOptions
) -> tuple[Doubles, Doubles | None]:
    """(inputs, targets) cuts, and gains where they were chosen for the targets."""
    if options.splits == "common":
        cut = class_cuts(inputs, decisions).cut
        return np.repeat(cut, targets.shape[1], axis=1), None
    found = best_cuts(inputs, targets)
    return found.cut, found.gain


def _places(
    layer: Convolution, images: Images, options: MofNOptions, chosen: Sequence[int]
) -> dict[int, Place]:
    """Where each channel is explained: the first position that tells most about the class."""
    if not isinstance(options.position, str):
        return dict.fromkeys(chosen, options.position)
    shape = layer.info.shape
    assert shape is not None
    fit = images.only("fit")
    grid = features_of(layer.info.layer, shape, reduction="value", grids=(shape,))
    size = shape[0] * shape[1]
    step = max(1, fit.most // size)
    places: dict[int, Place] = {}
    for first in range(0, len(chosen), step):
        group = chosen[first : first + step]
        features = [f for index in group for f in grid[index * size : (index + 1) * size]]
        gain = class_cuts(fit.values(features, [layer.info])["fit"], fit.decisions["fit"]).gain
        for index, own in zip(group, gain.reshape(-1, size), strict=True):
            best = int((own >= own.max() - TIE).argmax())
            places[index] = (best // shape[1], best % shape[1])
    return places


def _grouped(
    layer: Convolution, chosen: Sequence[int], places: Mapping[int, Place], most: int
) -> Iterator[list[int]]:
    """Channels whose patches together have no more than so many features, and at least one."""
    group: list[int] = []
    features: set[Feature | None] = set()
    for index in sorted(chosen, key=lambda index: (places[index], index)):
        unit = layer.unit(index, places[index])
        joined = features | {*unit.inputs, unit.feature}
        if group and len(joined) > most:
            yield group
            group, joined = [], {*unit.inputs, unit.feature}
        group.append(index)
        features = joined
    if group:
        yield group


def name_of(info: LayerInfo, feature: Feature) -> str:
    """The atom of a unit; where a map has one position, or a mean, as propositions are named."""
    return feature.name(info.layer.kind)
