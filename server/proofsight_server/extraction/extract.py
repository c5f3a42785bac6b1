"""From a network and a data set to a published revision."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np

from proofsight_server.errors import BadDataset, BadProgram
from proofsight_server.extraction.budget import curve_files, within_budget
from proofsight_server.extraction.figures import figures_of
from proofsight_server.extraction.layerwise import (
    LayerwiseLearner,
    Subject,
    explained,
    published,
)
from proofsight_server.extraction.layerwise_learners import build_layerwise, is_layerwise
from proofsight_server.extraction.misfit import misfit_of
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.extraction.probing import Seen, check_classes, see
from proofsight_server.extraction.program_size import check_size
from proofsight_server.extraction.progress import Watch
from proofsight_server.extraction.versions import versions
from proofsight_server.knowledge.annex import add_annex
from proofsight_server.knowledge.manifest import Manifest
from proofsight_server.knowledge.repository import Draft, Repository
from proofsight_server.knowledge.revision import Revision
from proofsight_server.rules.chain import Chain
from proofsight_server.rules.check import check_learner
from proofsight_server.rules.entry import entry_layers, observed_at
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.learner import Learner, build_learner, is_own
from proofsight_server.rules.program import Program
from proofsight_server.rules.statistics import with_layers
from proofsight_server.symbols.feature import Feature, features_of
from proofsight_server.symbols.quantisation import Quantisation, joined
from proofsight_server.symbols.quantiser import Quantiser
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.layers import LayerInfo, resolve, succession
from proofsight_server.vision.network import Network, save_weights

Splits = Mapping[str, Seen]

_log = logging.getLogger("proofsight.extraction")


@dataclass(frozen=True, slots=True)
class Source:
    """What rules are extracted from: a data set, a network, and what is known of its training."""

    dataset: Dataset
    network: Network
    training: Mapping[str, Any] = field(default_factory=dict)


def extract(
    options: ExtractOptions,
    source: Source,
    repository: Repository,
    kb: str,
    *,
    watch: Watch | None = None,
) -> Revision:
    """Extract a program that decides as the network does, and publish it as the next revision.

    Thresholds and rules see training images only, choices validation images; every split is
    measured.  What is published was read back, and decides every image as the program that
    was learned.

    Raises
    ------
    UnknownLayer, BadOption, BadDataset
        Before any work, for what cannot be extracted.
    BadTensor
        A layer has a value that is not finite.
    Cancelled
        `watch` says that the work is no longer wanted.
    BadProgram
        The written program does not decide as the learned one.
    """
    watch = watch or Watch()
    dataset, network = source.dataset, source.network
    # Everything that can be refused is refused before the first image is looked at.
    repository.check_target(kb)
    layerwise = build_layerwise(options) if is_layerwise(options.learner) else None
    if layerwise is None:
        _try_learner(options)
    check_classes(dataset, network.classes)
    if not len(dataset.train):
        raise BadDataset(f"{dataset.uri} has no training images to extract rules from")
    if layerwise is None:
        found = _from_bits(options, source, watch)
    else:
        found = _from_weights(options, layerwise, source, watch)
    program, quantisation, splits = found.program, found.quantisation, found.splits
    if misfit := misfit_of(splits, network.classes):
        _log.warning(misfit)
    with watch.step("measuring"):
        figures = figures_of(program, quantisation, splits, seed=options.seed)
        manifest = _manifest(found.options, source, {**figures, **found.report})
    draft = Draft(
        manifest,
        quantisation,
        program,
        partial(save_weights, network=network, training=dict(source.training)),
    )
    with watch.step("publishing"):
        revision = repository.publish(
            kb, draft, verify=lambda written: _verify(program, written, quantisation, splits, watch)
        )
        for name, data in found.annexes.items():
            add_annex(revision, f"curves/{name}", data)
        return revision


@dataclass(frozen=True, slots=True)
class _Found:
    """A program with its propositions, their values, and what else is to be published with it."""

    options: ExtractOptions
    program: Program
    quantisation: Quantisation
    splits: Splits
    report: Mapping[str, Any] = field(default_factory=dict)
    annexes: Mapping[str, bytes] = field(default_factory=dict)


def _try_learner(options: ExtractOptions) -> None:
    """Make the learner once; of the user's own, warn of the promises that it breaks."""
    make = partial(build_learner, options.learner, **options.learner_arguments())
    make()
    if is_own(options.learner):
        try:
            check_learner(make)
        except AssertionError as error:
            _log.warning("%s (tried on random bits): %s", options.learner, error)


def _from_bits(options: ExtractOptions, source: Source, watch: Watch) -> _Found:
    """What a learner finds in one table of bits, or chained learners in several."""
    dataset, network = source.dataset, source.network
    layers = resolve(network, options.layers)
    if options.chain is not None:
        layers = succession(network, layers)
    features = _features(options, layers)
    raw = see(dataset, network, features, layers, batch=options.batch, watch=watch)
    if options.budget is None:
        with watch.step("quantising"):
            quantisation, splits = _quantised(options, features, layers, raw)
        with watch.step("learning rules"):
            program = _learned(options, quantisation, splits, network.classes)
        return _Found(options, program, quantisation, splits)
    quantise = partial(_quantised, features=features, layers=layers, raw=raw)
    best = within_budget(options, quantise, network.classes, options.budget, watch)
    program = _finished(best.program, best.warnings, best.quantisation)
    annexes = curve_files(best.options, best.trials) if best.trials else {}
    return _Found(best.options, program, best.quantisation, best.splits, annexes=annexes)


def _from_weights(
    options: ExtractOptions, learner: LayerwiseLearner, source: Source, watch: Watch
) -> _Found:
    """What a learner reads off the weights of layers."""
    dataset, network = source.dataset, source.network
    layers = explained(network, options.layers)
    subject = Subject(network, dataset, layers, options.seed, options.batch, watch)
    reading = learner.read(subject)
    check_size(reading.program)
    quantisation, splits = published(subject, reading)
    program = _finished(reading.program, reading.warnings, quantisation)
    report = {options.learner: dict(reading.report)}
    return _Found(options, program, quantisation, splits, report, reading.annexes)


def _features(options: ExtractOptions, layers: Sequence[LayerInfo]) -> list[Feature]:
    return [
        feature
        for info in layers
        for feature in features_of(
            info.layer,
            info.shape,
            reduction=options.reduction,
            grids=options.grids_of(info.layer),
        )
    ]


def _quantised(
    options: ExtractOptions, features: Sequence[Feature], layers: Sequence[LayerInfo], raw: Splits
) -> tuple[Quantisation, Splits]:
    """The fitted quantisation, and the splits with only the columns that it kept.

    Where layers are chained each is fitted by itself, else all together.
    """
    groups = [layers] if options.chain is None else [[info] for info in layers]
    quantisation = joined([_fitted(options, features, group, raw["train"]) for group in groups])
    place = {feature: column for column, feature in enumerate(features)}
    columns = [place[feature] for feature in quantisation.features]
    return quantisation, {
        name: Seen(split.values[:, columns], split.decisions, split.labels)
        for name, split in raw.items()
    }


def _fitted(
    options: ExtractOptions,
    features: Sequence[Feature],
    layers: Sequence[LayerInfo],
    train: Seen,
) -> Quantisation:
    grids = {info.layer.atom: options.grids_of(info.layer) for info in layers}
    columns = [
        at for at, f in enumerate(features) if f.layer in grids and _grid(f) in grids[f.layer]
    ]
    whole = len(columns) == len(features)
    quantiser = Quantiser(default_reduction=options.reduction, **options.threshold_arguments())
    return quantiser.fit(
        train.values if whole else train.values[:, columns],
        train.decisions,
        [features[column] for column in columns],
        [info.layer for info in layers],
    ).quantisation_


def _grid(feature: Feature) -> int:
    return 1 if feature.cell is None else feature.cell.grid[0]


def _learned(
    options: ExtractOptions, quantisation: Quantisation, splits: Splits, classes: Sequence[str]
) -> Program:
    """The program of the learner or, where layers are chained, of the learner on top of them."""
    tables = {
        name: (quantisation.bits(split.values), split.decisions) for name, split in splits.items()
    }
    bits, decisions = tables["train"]
    table, held = (bits, decisions, quantisation.names, classes), tables.get("validation")
    make = partial(build_learner, options.learner, **options.learner_arguments())
    learned: Learner | Chain
    if options.chain is None:
        learned = make().fit(*table, validation=held)
    else:
        chain = Chain(make, options.chain_leaves, options.chain)
        learned = chain.fit(*table, quantisation.by_layer, validation=held)
    return _finished(learned.program_, getattr(learned, "warnings_", ()), quantisation)


def _finished(program: Program, warnings: Sequence[str], quantisation: Quantisation) -> Program:
    for warning in warnings:
        _log.warning(warning)
    return with_layers(program, quantisation.layers, quantisation.propositions)


def _manifest(options: ExtractOptions, source: Source, figures: Mapping[str, Any]) -> Manifest:
    dataset, network = source.dataset, source.network
    return Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        versions=versions(),
        classes=tuple(network.classes),
        model=network.model,
        model_options=dict(network.model_options),
        input_shape=network.input_shape,
        preprocessing=network.preprocessing.to_json(),
        training=dict(source.training),
        data={
            "uri": dataset.uri,
            "fingerprint": dataset.fingerprint(),
            "seed": dataset.seed,
        },
        method=options.to_json(),
        figures=figures,
    )


def _verify(
    program: Program,
    written: Revision,
    quantisation: Quantisation,
    splits: Splits,
    watch: Watch,
) -> None:
    """Accept what was written if it decides every image, by the same rule, as what was learned.

    Raises
    ------
    BadProgram
        It does not.
    """
    read = written.quantisation
    same = read.features == quantisation.features
    for entry in entry_layers(program, quantisation.by_layer):
        observed = observed_at(entry, program, quantisation.by_layer)
        for name, split in splits.items():
            bits, again = quantisation.bits(split.values), read.bits(split.values)
            ours = evaluate(program, bits, quantisation.names, observed=observed)
            theirs = evaluate(written.program, again, read.names, observed=observed)
            wrong = (ours.decisions != theirs.decisions) | (ours.rules != theirs.rules)
            if not same or wrong.any():
                raise BadProgram(
                    f"the written program, entered at {entry}, does not decide "
                    f"{int(np.count_nonzero(wrong))} of {len(wrong)} {name} images as the learned "
                    "one; nothing was published"
                )
    watch.check()
