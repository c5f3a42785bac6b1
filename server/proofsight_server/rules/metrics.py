"""What a program is worth: how well it follows the network, and how large it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from proofsight_server.errors import BadTensor
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.program import AtLeast, ClassHead, Element, PointsHead, Program
from proofsight_server.symbols.feature import Bools, Ints, Proposition


@dataclass(frozen=True, slots=True)
class Metrics:
    """How a program does on one split; shares in 0..1, None where no image counts for it.

    Attributes
    ----------
    images
        Number of images.
    accuracy, cnn_accuracy
        Share where the program's, the network's decision is the label.
    fidelity
        Share where the program decides what the network decides.  Images that no rule
        decides count with the default's answer; without a default they are wrong.
    undecided
        Share where no rule decides.
    covered_fidelity
        Fidelity among the images that a rule decides.
    error_fidelity
        Fidelity among the images that the network gets wrong.
    """

    images: int
    accuracy: float | None
    cnn_accuracy: float | None
    fidelity: float
    undecided: float
    covered_fidelity: float | None
    error_fidelity: float | None


@dataclass(frozen=True, slots=True)
class Size:
    r"""How large a program is, counted alike for every learner.

    Attributes
    ----------
    rules, top_rules
        Clauses, the default excluded; those with a class, or points for one, as head.
    literals
        Body literals over all clauses, exception and `derived/2` clauses included; `rule/2`
        does not count, `\+ ab` counts 1, `at_least(M, L)` counts length(L), bases count apart.
    atoms
        Distinct (layer, channel or unit) used.
    propositions
        Distinct propositions used.
    mean_body_length
        literals / rules; 0 without rules.
    """

    rules: int
    top_rules: int
    literals: int
    atoms: int
    propositions: int
    mean_body_length: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Mean and sample deviation (ddof 1; None for fewer than two) of `count` figures."""

    mean: float
    deviation: float | None
    count: int


def measure(
    program: Program,
    bits: Bools,
    names: Sequence[str],
    cnn: Ints,
    labels: Ints | None = None,
    *,
    observed: Collection[str] | None = None,
) -> Metrics:
    """Compare a program with the network, and both with the labels.

    Parameters
    ----------
    program, bits, names, observed
        As `evaluate` takes them.
    cnn
        (n,) class index that the network decides.
    labels
        (n,) true class index; None where there are no labels.

    Raises
    ------
    BadTensor
        For shapes that do not fit each other, or no images at all.
    """
    images = len(bits)
    for noun, indices in (("the network's decisions", cnn), ("labels", labels)):
        if indices is not None and indices.shape != (images,):
            raise BadTensor(f"{noun} have shape {indices.shape} for {images} images; give one each")
    if images == 0:
        raise BadTensor("no images: shares of nothing cannot be measured")
    evaluation = evaluate(program, bits, names, observed=observed)
    agree = evaluation.decisions == cnn
    covered = evaluation.decided
    return Metrics(
        images=images,
        accuracy=None if labels is None else _share(evaluation.decisions == labels),
        cnn_accuracy=None if labels is None else _share(cnn == labels),
        fidelity=float(agree.mean()),
        undecided=float((~covered).mean()),
        covered_fidelity=_share(agree[covered]),
        error_fidelity=None if labels is None else _share(agree[cnn != labels]),
    )


def size_of(program: Program, propositions: Iterable[Proposition]) -> Size:
    """Count a program; `propositions` say what its names read off the network.

    A proposition without a feature, or not among `propositions`, is an atom of its own.
    """
    features = {p.name: p.feature for p in propositions}
    used = program.propositions()
    atoms = set()
    for name in used:
        feature = features.get(name)
        atoms.add(name if feature is None else (feature.layer, feature.index))
    literals = sum(_length(element) for rule in program.rules for element in rule.body)
    return Size(
        rules=len(program.rules),
        top_rules=sum(isinstance(rule.head, ClassHead | PointsHead) for rule in program.rules),
        literals=literals,
        atoms=len(atoms),
        propositions=len(used),
        mean_body_length=literals / len(program.rules) if program.rules else 0.0,
    )


def summarise(reports: Sequence[Mapping[str, float | None]]) -> dict[str, Summary]:
    """Summarise figures over seeds, one mapping per seed (e.g. `dataclasses.asdict(metrics)`).

    A figure that is None for some seeds is summarised over the others, and left out where
    none has it.
    """
    figures = dict.fromkeys(name for report in reports for name in report)
    summaries = {}
    for name in figures:
        values = [value for report in reports if (value := report.get(name)) is not None]
        if values:
            deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
            summaries[name] = Summary(float(np.mean(values)), deviation, len(values))
    return summaries


def _length(element: Element) -> int:
    return len(element.literals) if isinstance(element, AtLeast) else 1


def _share(hits: Bools) -> float | None:
    return float(hits.mean()) if len(hits) else None
