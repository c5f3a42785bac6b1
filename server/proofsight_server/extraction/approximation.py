"""The learner `approximation`: each unit as the Boolean function nearest to it, layer by layer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args
from typing import Literal as OneOf

from proofsight_server.errors import BadOption
from proofsight_server.extraction.approximated_layer import (
    ApproximatedLayer,
    ReluCut,
    Softmax,
    approximated_layers,
    check_stack,
    stack_features,
)
from proofsight_server.extraction.approximation_report import (
    diagram_report,
    input_report,
    layers_report,
    saturation_reports,
    unit_reports,
)
from proofsight_server.extraction.approximation_warnings import warnings_of
from proofsight_server.extraction.composed_program import Manner, Negation, composed
from proofsight_server.extraction.layerwise import Reading, Subject
from proofsight_server.extraction.pedagogical import pedagogical
from proofsight_server.extraction.probing import Seen
from proofsight_server.extraction.side_formulas import SideFormula, formulas
from proofsight_server.rules.metrics import measure
from proofsight_server.rules.program import DerivedHead, Program
from proofsight_server.rules.unit_formulas import Plan
from proofsight_server.symbols.feature import Bools, Proposition
from proofsight_server.symbols.quantisation import Quantisation, proposition_names
from proofsight_server.vision.unit_layer import UnitLayer

Splits = Mapping[str, Seen]

_WORDS: dict[object, bool] = {"on": True, "off": False}


@dataclass(frozen=True, slots=True)
class Approximation:
    """Reads formulas off the weights of fully connected layers.

    The lowest layer's inputs are read on a scale from their least to their greatest training
    value; hidden layers named above it are composed, and those below are inputs.

    Attributes
    ----------
    order, max_terms, time_limit, limit_data, min_support, literal, drop_quantile
        How the terms of one side of a unit are looked for: see `Plan`.  Terms that fewer than
        `min_support` training images satisfy are not written into the program.
    cut
        The share of an input's range above which it counts as 1.
    sides
        `both`, or `on`: hidden units have no off side.
    relu_cut
        Where relu hidden units are cut; they are refused without.
    softmax
        `rivals`: a class holds where it beats every other.  `logit`: where its logit is above the
        cut that tells most of the network's class.
    negation
        `two_sided`: a hidden unit is off where its off side holds.  `closed`: where its on side
        does not, which turns missed positives into false ones.
    fallback
        `tree`: rules learned from the network's decisions take the place of composed ones that
        lean on relu or are less faithful on validation images.  None: never.
    diagram
        Whether the exact decision diagram of every unit is counted, for reference.
    """

    order: int | OneOf["auto"] | None = "auto"
    max_terms: int | None = 2000
    time_limit: float | None = 10.0
    limit_data: bool | str = False
    min_support: int = 1
    literal: OneOf["vertex", "box"] = "vertex"
    drop_quantile: float = 0.0
    cut: float = 0.5
    sides: OneOf["both", "on"] = "both"
    relu_cut: ReluCut = None
    softmax: Softmax = "rivals"
    negation: Negation = "two_sided"
    fallback: OneOf["tree"] | None = "tree"
    diagram: bool = False

    def __post_init__(self) -> None:
        for name, known in (
            ("literal", ("vertex", "box")),
            ("sides", ("both", "on")),
            ("relu_cut", (0, "gain", "half", None)),
            ("softmax", get_args(Softmax)),
            ("negation", get_args(Negation)),
            ("fallback", ("tree", None)),
            ("limit_data", (True, False, *_WORDS)),
            ("diagram", (True, False)),
        ):
            value = getattr(self, name)
            if value not in known:
                words = ", ".join("none" if one is None else str(one) for one in known)
                raise BadOption(f"{name} is one of {words}, not {value!r}", option=name)
        for name in ("order", "max_terms", "min_support"):
            self._check_whole(name)
        for name in ("cut", "drop_quantile", "time_limit"):
            self._check_number(name)
        if not 0 < self.cut < 1:
            raise BadOption(
                f"cut is a share of the range of an input, between 0 and 1, not {self.cut!r}",
                option="cut",
            )
        self._plan()

    def read(self, subject: Subject) -> Reading:
        """The rules of the layers of a network: see `LayerwiseLearner`."""
        stack = check_stack(subject.layers, self.relu_cut)
        if len(subject.classes) < 2:
            raise BadOption(
                "the network has one class, which always wins; there is no rule to read"
            )
        self._check_negation(stack)
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
        with subject.watch.step("searching terms"):
            sides = formulas(layers, self._plan(), both=self._both)
        with subject.watch.step("composing"):
            return self._composed(stack, layers, sides, splits, subject)

    @property
    def _both(self) -> bool:
        return self.sides == "both" and self.negation == "two_sided"

    def _plan(self) -> Plan:
        return Plan(
            self.order,
            self.max_terms,
            self.time_limit,
            _WORDS.get(self.limit_data, bool(self.limit_data)),
            self.min_support,
            self.literal,
            self.drop_quantile,
        )

    def _check_whole(self, name: str) -> None:
        value = getattr(self, name)
        words = ("auto", None) if name == "order" else (None,) if name == "max_terms" else ()
        if value in words or (isinstance(value, int) and not isinstance(value, bool)):
            return
        more = "".join(f", {word or 'none'}" for word in words)
        raise BadOption(f"{name} is a whole number{more}, not {value!r}", option=name)

    def _check_number(self, name: str) -> None:
        value = getattr(self, name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number and not (name == "time_limit" and value is None):
            raise BadOption(f"{name} is a number, not {value!r}", option=name)

    def _check_negation(self, stack: Sequence[UnitLayer]) -> None:
        if len(stack) > 1 and self.sides == "on" and self.negation == "two_sided":
            plan = self._plan()
            caps = (plan.order, plan.max_terms, plan.min_support or None)
            if caps == (None, None, None) and plan.literal == "vertex" and not plan.limit_data:
                return
            raise BadOption(
                "sides=on leaves open where a hidden unit is off, since its terms are cut; leave "
                "sides out, or add negation=closed, or order=none, max_terms=none, min_support=0",
                option="sides",
            )

    def _composed(
        self,
        stack: Sequence[UnitLayer],
        layers: Sequence[ApproximatedLayer],
        sides: Sequence[Sequence[SideFormula]],
        splits: Splits,
        subject: Subject,
    ) -> Reading:
        heldout = next(name for name in ("test", "validation", "train") if name in splits)
        option = "limit_data" if self._plan().limit_data else self.literal
        manner = Manner(self.negation, option, option == "vertex", heldout)
        reduction = stack[0].inputs[0].reduction if stack[0].below.layer.kind != "linear" else "l1"
        names = proposition_names(stack[0].inputs, [stack[0].below.layer], reduction)
        decisions = {name: split.decisions for name, split in splits.items()}
        found = composed(layers, sides, names, decisions, subject.classes, manner)
        programs = {"composed": found.program}
        if len(stack) > 1 and self.fallback:
            tables = {name: (layers[0].bits[name], own) for name, own in decisions.items()}
            programs["pedagogical"] = pedagogical(tables, names, subject.classes, subject.seed)
        figures = {
            kind: _figures(program, layers[0].bits, names, splits)
            for kind, program in programs.items()
        }
        taken = self._taken(stack, figures)
        units = unit_reports(layers, sides, found, heldout, names)
        report = {
            "options": {**asdict(self), "limit_data": self._plan().limit_data},
            "heldout": heldout,
            "taken": taken,
            "figures": figures,
            **layers_report(layers, units, found, heldout),
            "inputs": input_report(layers[0], names, splits, heldout),
        }
        return Reading(
            _quantisation(stack, layers[0], names, programs[taken], reduction),
            programs[taken],
            report,
            {"approximation.json": self._document(layers, report, units, heldout)},
            warnings_of(layers, sides, found, report, programs[taken]),
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
        split = "validation" if "validation" in figures["composed"] else "train"
        ours, theirs = (figures[kind][split]["fidelity"] for kind in ("composed", "pedagogical"))
        relu = any(layer.activation == "relu" for layer in stack[:-1])
        return "pedagogical" if relu or theirs > ours else "composed"


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
    stack: Sequence[UnitLayer],
    layer: ApproximatedLayer,
    names: Sequence[str],
    program: Program,
    reduction: Any,
) -> Quantisation:
    """The inputs that the program reads, and what it derives."""
    return Quantisation(
        (stack[0].below.layer, *(one.info.layer for one in stack)),
        (*_observable(stack[0], layer, names, program), *_derived(stack, program)),
        reduction,
    )


def _observable(
    lowest: UnitLayer, layer: ApproximatedLayer, names: Sequence[str], program: Program
) -> Iterator[Proposition]:
    used = set(program.propositions())
    for name, feature, threshold in zip(names, lowest.inputs, layer.thresholds, strict=True):
        if name in used:
            yield Proposition(name, lowest.below.layer.atom, feature, float(threshold))


def _derived(stack: Sequence[UnitLayer], program: Program) -> Iterator[Proposition]:
    heads = dict.fromkeys(
        rule.head.proposition for rule in program.rules if isinstance(rule.head, DerivedHead)
    )
    atoms = [one.info.layer.atom for one in stack]
    for name in heads:
        own = next((atom for atom in atoms[:-1] if name.startswith(f"{atom}_u")), atoms[-1])
        yield Proposition(name, own, None, None)
