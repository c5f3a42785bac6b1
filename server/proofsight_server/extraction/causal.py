"""The causal check: whether what a rule reads moves the network, or only goes along with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from proofsight_server.errors import BadOption
from proofsight_server.extraction.cause import UNTRIED, CausalOptions, Cause
from proofsight_server.extraction.loading import revision_layers
from proofsight_server.extraction.loss import Loss, judged, p_value
from proofsight_server.extraction.probing import check_classes
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.revision import Revision
from proofsight_server.rules.evaluation import Evaluator
from proofsight_server.rules.usage import rules_using, used_in_proofs
from proofsight_server.symbols.channel import channel_name
from proofsight_server.symbols.feature import Bools, Floats, Ints, Proposition
from proofsight_server.symbols.opposite import Replacements
from proofsight_server.vision.dataset import Dataset, Split
from proofsight_server.vision.intervention import Intervention
from proofsight_server.vision.layers import LayerInfo
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import Observation, Probe, Reader, probe_split

Doubles = npt.NDArray[np.float64]


def causal_check(
    revision: Revision,
    dataset: Dataset,
    network: Network,
    options: CausalOptions | None = None,
    *,
    watch: Watch | None = None,
) -> tuple[Cause, ...]:
    """Replace, one at a time, each channel that proofs use, and see what the network then says.

    Whether it says something else more than where an unused channel is replaced is tested on
    the images in pairs, over all propositions that were tried.

    Parameters
    ----------
    revision, dataset, network
        Whose program, on which images, and the network that it follows.

    Raises
    ------
    BadDataset, BadOption
        The data set has other classes, or no images in the split or for training.
    UnknownLayer, BadRevision
        As `evaluate_revision`.
    """
    options, watch = options or CausalOptions(), watch or Watch()
    check_classes(dataset, network.classes)
    for name in ("train", options.split):
        if not len(dataset.split(name)):
            raise BadOption(
                f"{dataset.uri} has no {name} images, which the check needs", option="data"
            )
    quantisation, layers = revision.quantisation, revision_layers(revision, network)
    split = dataset.split(options.split)
    observed = probe_split(
        Reader(network, quantisation.features, layers),
        split,
        batch=options.batch,
        progress=watch.phase(f"probing {options.split}"),
    )
    bits = quantisation.bits(observed.values)
    used, decided = used_in_proofs(revision.program, bits, quantisation.names)
    rates = np.array(quantisation.rates) if quantisation.rates else bits.mean(axis=0)
    wanted = {
        int(at): _controls(int(at), revision, rates, options.controls)
        for at in np.flatnonzero(used.any(axis=0))
    }
    pictured = {*wanted, *(control for own in wanted.values() for control in own)}
    trial = _Trial(
        revision,
        split,
        observed,
        bits,
        decided,
        network,
        _learned(pictured, revision, layers, dataset, network, options, watch),
        options,
    )
    rng = np.random.default_rng(options.seed)
    causes = []
    for done, (at, controls) in enumerate(wanted.items(), start=1):
        rows = np.flatnonzero(used[:, at] & (decided >= 0))
        rows = np.sort(rng.permutation(rows)[: options.images])
        causes.append(trial(at, rows, controls, rng))
        watch("replacing channels", done, len(wanted))
    return judged(causes, options.level)


def _learned(
    places: Collection[int],
    revision: Revision,
    layers: Sequence[LayerInfo],
    dataset: Dataset,
    network: Network,
    options: CausalOptions,
    watch: Watch,
) -> dict[str, tuple[Intervention, Replacements]]:
    """Per layer how to intervene there, and what to put in the place of which channels."""
    observable = revision.quantisation.observable
    made = {}
    for info in layers:
        own = [observable[at] for at in sorted(places) if observable[at].layer == info.layer.atom]
        if own:
            made[info.layer.atom] = (Intervention(network, info), Replacements(own))
    progress = watch.phase("learning what bits look like")
    with Probe(network, layers) as probe:
        for batch, done in _batches(dataset.train, network, options.batch):
            _, maps = probe.maps(batch)
            for atom, (_, replacements) in made.items():
                replacements.partial_fit(maps[atom])
            progress(done, len(dataset.train))
    return made


def _controls(at: int, revision: Revision, rates: Doubles, count: int) -> tuple[int, ...]:
    """The propositions of unused channels that are active about as often as the one at `at`.

    Of the same layer, the same cell and reduction; the first of a channel only.
    """
    quantisation = revision.quantisation
    observable, layers = quantisation.observable, quantisation.layers
    names = {proposition.name: proposition for proposition in observable}
    taken = {
        channel_name(names[name], layers)
        for name in revision.program.propositions()
        if name in names
    }
    wanted = _form(observable[at])
    found: dict[str, int] = {}
    for place in sorted(range(len(observable)), key=lambda other: abs(rates[other] - rates[at])):
        channel = channel_name(observable[place], layers)
        if _form(observable[place]) == wanted and channel not in taken:
            found.setdefault(channel, place)
    return tuple(found.values())[:count]


def _form(proposition: Proposition) -> tuple[object, ...]:
    feature = proposition.feature
    assert feature is not None  # observable
    return feature.layer, feature.reduction, feature.cell


def _batches(split: Split, network: Network, size: int) -> Iterator[tuple[Tensor, int]]:
    """Prepared images, and how many there were so far."""
    for start in range(0, len(split), size):
        yield network.prepare(split.images[start : start + size]), min(start + size, len(split))


@dataclass(frozen=True, slots=True)
class _Trial:
    """The images of a split, and how to run the network without one of its channels."""

    revision: Revision
    split: Split
    observed: Observation
    bits: Bools
    decided: Ints
    network: Network
    made: Mapping[str, tuple[Intervention, Replacements]]
    options: CausalOptions

    def __call__(
        self, at: int, rows: Ints, controls: Sequence[int], rng: np.random.Generator
    ) -> Cause:
        """Try a proposition, by its place, on the images `rows`; `rng` is of the test."""
        program, names = self.revision.program, self.revision.quantisation.names
        name = names[at]
        rules, label = rules_using(program, name), self.revision.labels.get(name, "")
        logits, after = self._without(at, rows)
        if self.options.replace == "opposite":
            # By definition; the mean map of active images may itself lie below the threshold.
            after = ~self.bits[rows, at]
        flipped = after != self.bits[rows, at]
        rows, logits, after = rows[flipped], logits[flipped], after[flipped]
        if not len(rows):
            return Cause(name, label, rules, 0, None, None, (), None, None, UNTRIED)
        loss = self._loss(rows, logits)
        others = [self._loss(rows, self._without(control, rows)[0]) for control in controls]
        table = self.bits[rows].copy()
        table[:, at] = after
        told = Evaluator(program, names)(table).decisions
        return Cause(
            name,
            label,
            rules,
            len(rows),
            loss.effect(name),
            float((told == logits.argmax(axis=1)).mean()),
            tuple(o.effect(names[c]) for o, c in zip(others, controls, strict=True)),
            p_value(loss, others, rng),
            None,
            UNTRIED,
        )

    def _without(self, at: int, rows: Ints) -> tuple[Floats, Bools]:
        """Logits (n, classes) with the proposition's channel replaced, and its bits then (n,)."""
        proposition = self.revision.quantisation.observable[at]
        intervention, replacements = self.made[proposition.layer]
        after: list[Bools] = []

        def replace(map: Tensor) -> Tensor:
            map = replacements.put(map, proposition.name, self.options.replace)
            after.append(replacements.bits_after(map, proposition.name))
            return map

        found = [
            intervention.logits(batch, replace).numpy()
            for batch, _ in _batches(self.split.take(rows), self.network, self.options.batch)
        ]
        return np.concatenate(found), np.concatenate(after)

    def _loss(self, rows: Ints, logits: Floats) -> Loss:
        own, heads = np.arange(len(rows)), self.decided[rows]
        before = self.observed.logits[rows]
        return Loss(
            logits.argmax(axis=1) != before.argmax(axis=1),
            before[own, heads].astype(np.float64) - logits[own, heads],
        )
