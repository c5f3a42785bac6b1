"""The learner `approximation`: each unit as the Boolean function nearest to it, layer by layer."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from proofsight_server.errors import BadOption
from proofsight_server.extraction.approximated_layer import (
    ApproximatedLayer,
    approximated_layers,
    check_stack,
    possible,
    stack_features,
    unit_name,
)
from proofsight_server.extraction.approximation_options import ApproximationOptions
from proofsight_server.extraction.approximation_report import (
    diagram_report,
    input_report,
    layers_report,
    saturation_reports,
    unit_reports,
)
from proofsight_server.extraction.approximation_warnings import warnings_of
from proofsight_server.extraction.composed_program import Manner, composed
from proofsight_server.extraction.formula_choice import (
    Found,
    choice_told,
    deciding_split,
    most_faithful,
)
from proofsight_server.extraction.layerwise import Reading, Subject
from proofsight_server.extraction.pedagogical import pedagogical
from proofsight_server.extraction.probing import Seen
from proofsight_server.extraction.side_formulas import formulas
from proofsight_server.rules.metrics import measure
from proofsight_server.rules.program import DerivedHead, Program
from proofsight_server.symbols.feature import Bools, Feature, Proposition
from proofsight_server.symbols.quantisation import Quantisation, proposition_names
from proofsight_server.vision.unit_layer import UnitLayer

Splits = Mapping[str, Seen]


@dataclass(frozen=True, slots=True)
class Approximation(ApproximationOptions):
    """Reads formulas off the weights of fully connected layers.

    The lowest layer's inputs are read on a scale from their least to their greatest training
    value; hidden layers named above it are composed, and those below are inputs.
    """

    def read(self, subject: Subject) -> Reading:
        """The rules of the layers of a network: see `LayerwiseLearner`."""
        stack = check_stack(subject.layers, self.relu_cut)
        if len(subject.classes) < 2:
            raise BadOption(
                "the network has one class, which always wins; there is no rule to read"
            )
        self.check_negation(stack)
        infos = [stack[0].below, *(layer.info for layer in stack[:-1])]
        splits = subject.see(stack_features(stack), infos)
        layers = approximated_layers(
            stack,
            splits,
            subject.classes,
            cut=self.cut,
            relu_cut=self.relu_cut,
            softmax=self.softmax,
        )
        names = proposition_names(stack[0].inputs, [stack[0].below.layer], _reduction(stack))
        tries = [
            self._found(layers, splits, names, subject, limited=limited) for limited in self.tried
        ]
        found = most_faithful(tries)
        with subject.watch.step("measuring formulas"):
            return self._reading(stack, layers, found, tries, names, splits, subject)

    def _found(
        self,
        layers: Sequence[ApproximatedLayer],
        splits: Splits,
        names: Sequence[str],
        subject: Subject,
        *,
        limited: bool,
    ) -> Found:
        """The formulas and the program that they compose."""
        count = sum(2 * len(layer.targets) for layer in layers)
        plan = self.plan(limited=limited, sides=count)
        with subject.watch.step("searching terms"):
            sides = formulas(layers, plan, both=self.both)
        option = "limit_data" if limited else self.literal
        manner = Manner(self.negation, option, option == "vertex", _heldout(splits))
        decisions = {name: split.decisions for name, split in splits.items()}
        with subject.watch.step("composing"):
            whole = composed(layers, sides, names, decisions, subject.classes, manner)
        figures = _figures(whole.program, layers[0].bits, names, splits)
        return Found(limited, sides, whole, figures)

    def _reading(
        self,
        stack: Sequence[UnitLayer],
        layers: Sequence[ApproximatedLayer],
        found: Found,
        tries: Sequence[Found],
        names: Sequence[str],
        splits: Splits,
        subject: Subject,
    ) -> Reading:
        heldout = _heldout(splits)
        programs = {"composed": found.composed.program}
        figures = {"composed": found.figures}
        figures |= {one.kind: one.figures for one in tries if one is not found}
        if len(stack) > 1 and self.fallback:
            tables = {name: (layers[0].bits[name], own.decisions) for name, own in splits.items()}
            tree = pedagogical(tables, names, subject.classes, subject.seed)
            programs["pedagogical"] = tree
            figures["pedagogical"] = _figures(tree, layers[0].bits, names, splits)
        taken = self._taken(stack, figures)
        units = unit_reports(layers, found.sides, found.composed, heldout, names)
        report = {
            "options": {**asdict(self), "limit_data": found.limited},
            "heldout": heldout,
            "taken": taken,
            "figures": figures,
            **layers_report(layers, units, found.composed, heldout),
            "inputs": input_report(layers[0], names, splits, heldout),
        }
        told = [choice_told(tries, found)] if len(tries) > 1 else []
        told += warnings_of(layers, found.sides, found.composed, report, programs[taken])
        return Reading(
            _quantisation(layers, names, programs[taken], _reduction(stack)),
            programs[taken],
            report,
            {"approximation.json": self._document(layers, report, units, heldout)},
            tuple(told),
        )

    def _document(
        self,
        layers: Sequence[ApproximatedLayer],
        report: Mapping[str, Any],
        units: Sequence[Sequence[Mapping[str, Any]]],
        heldout: str,
    ) -> bytes:
        """The report with every unit by itself, as JSON."""
        document = {**report, "saturation": saturation_reports(layers), "units": units}
        if self.diagram:
            document["diagrams"] = [
                [diagram_report(layer, at, heldout) for at in range(len(layer.targets))]
                for layer in layers
            ]
        return (json.dumps(document, indent=1) + "\n").encode()

    def _taken(self, stack: Sequence[UnitLayer], figures: Mapping[str, Mapping[str, Any]]) -> str:
        """The program that is published: composed, unless the fallback is due."""
        if "pedagogical" not in figures:
            return "composed"
        split = deciding_split(figures["composed"])
        ours, theirs = (figures[kind][split]["fidelity"] for kind in ("composed", "pedagogical"))
        relu = any(layer.activation == "relu" for layer in stack[:-1])
        return "pedagogical" if relu or theirs > ours else "composed"


def _heldout(splits: Splits) -> str:
    return next(name for name in ("test", "validation", "train") if name in splits)


def _reduction(stack: Sequence[UnitLayer]) -> Any:
    return stack[0].inputs[0].reduction if stack[0].below.layer.kind != "linear" else "l1"


def _figures(
    program: Program, bits: Mapping[str, Bools], names: Sequence[str], splits: Splits
) -> dict[str, Any]:
    """Fidelity per split, and the share of images that no rule decides."""
    found: dict[str, Any] = {"rules": len(program.rules)}
    for name, split in splits.items():
        metrics = measure(program, bits[name], names, split.decisions)
        found[name] = {
            key: getattr(metrics, key) for key in ("fidelity", "undecided", "covered_fidelity")
        }
    return found


def _quantisation(
    layers: Sequence[ApproximatedLayer], names: Sequence[str], program: Program, reduction: Any
) -> Quantisation:
    """The inputs that the program reads, and what it derives."""
    observable = (*_inputs(layers[0], names, program), *_hidden(layers, program))
    known = {proposition.name for proposition in observable}
    return Quantisation(
        (layers[0].layer.below.layer, *(one.layer.info.layer for one in layers)),
        (*observable, *_derived(layers, program, known)),
        reduction,
    )


def _inputs(
    lowest: ApproximatedLayer, names: Sequence[str], program: Program
) -> Iterator[Proposition]:
    used = set(program.propositions())
    below, inputs = lowest.layer.below.layer.atom, lowest.layer.inputs
    for name, feature, threshold in zip(names, inputs, lowest.thresholds, strict=True):
        if name in used:
            yield Proposition(name, below, feature, float(threshold))


def _hidden(layers: Sequence[ApproximatedLayer], program: Program) -> Iterator[Proposition]:
    """What is derived of hidden units and can be read as well: that they are on, or possible."""
    used = set(program.propositions())
    for below, above in pairwise(layers):
        atom = below.layer.info.layer.atom
        for unit, threshold in enumerate(above.thresholds.tolist()):
            name = unit_name(below.layer, unit)
            for own in (name, possible(name)):
                if own in used:
                    yield Proposition(own, atom, Feature(atom, unit, "value"), threshold)


def _derived(
    layers: Sequence[ApproximatedLayer], program: Program, observable: Collection[str]
) -> Iterator[Proposition]:
    """What rules alone decide: off sides, and who beats whom.

    An off side belongs to the layer that its terms read, below the one that it is a side of.
    """
    heads = dict.fromkeys(
        rule.head.proposition for rule in program.rules if isinstance(rule.head, DerivedHead)
    )
    below = {
        target.off: layer.layer.below.layer.atom
        for layer in layers[:-1]
        for target in layer.targets
    }
    top = layers[-1].layer.info.layer.atom
    for name in heads:
        if name not in observable:
            yield Proposition(name, below.get(name, top), None, None)
