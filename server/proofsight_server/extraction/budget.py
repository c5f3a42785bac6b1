"""Programs under a budget of literals: which bits, and how many rules, keep most decisions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from proofsight_server.errors import BadOption
from proofsight_server.extraction.curve import curve_svg
from proofsight_server.extraction.options import ExtractOptions, Threshold
from proofsight_server.extraction.probing import Seen
from proofsight_server.extraction.progress import Watch
from proofsight_server.rules.learner import build_learner
from proofsight_server.rules.metrics import measure, size_of
from proofsight_server.rules.program import Program
from proofsight_server.symbols.quantisation import Quantisation

Splits = Mapping[str, Seen]
Quantise = Callable[[ExtractOptions], tuple[Quantisation, Splits]]

# What a literal may say: supervised thresholds first, then several of them.
BITS: tuple[tuple[Threshold, int], ...] = (
    ("info_gain", 1),
    ("mean_std", 1),
    ("quantile", 3),
    ("info_gain", 3),
)
# The option of a learner by which its programs grow.
_LEAVES = (3, 5, 8, 12, 20, 30, 45, 60, 90, 120, 200, 300, 500)
_TAILS = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_SIZES: dict[str, tuple[str, Sequence[float]]] = {
    "tree": ("max_rules", _LEAVES),
    "fold": ("tail", _TAILS),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One program: what its bits are, its `literals`, and its fidelity on two splits, 0..1."""

    bits: str
    literals: int
    train: float
    validation: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """The best program within a budget by validation fidelity, and all that was tried."""

    options: ExtractOptions
    quantisation: Quantisation
    splits: Splits
    program: Program
    warnings: tuple[str, ...]
    trials: tuple[Trial, ...]


def within_budget(
    options: ExtractOptions,
    quantise: Quantise,
    classes: Sequence[str],
    budget: int,
    watch: Watch,
) -> Chosen:
    """Try bits and sizes, and keep the program that decides most validation images as the network.

    Bits are those of `BITS` over each prefix of the grids asked for; where a threshold was asked
    for, only that one.  Of equal programs the smaller, then the earlier.

    Parameters
    ----------
    options
        What was asked for; its learner and bound are tried at several sizes.
    quantise
        Fits the bits of options, and gives them with the splits they leave.
    classes
        The network's.
    budget
        Most literals.
    watch
        Told of each bits that are tried; may stop.

    Raises
    ------
    BadOption
        No program of the learner is so small, or there are no validation images.
    """
    candidates = list(_candidates(options))
    best: tuple[tuple[float, int], Chosen] | None = None
    trials: list[Trial] = []
    smallest: int | None = None
    for number, candidate in enumerate(candidates):
        watch("learning rules", number, len(candidates))
        quantisation, splits = quantise(candidate)
        for sized, program, warnings, curve in _programs(
            candidate, quantisation, splits, classes, budget
        ):
            trial = _trial(sized, program, quantisation, splits)
            trials += curve or (trial,)
            smallest = min(smallest or trial.literals, trial.literals)
            if trial.literals > budget:
                continue
            rank = trial.validation, -trial.literals
            if best is None or rank > best[0]:
                best = rank, Chosen(sized, quantisation, splits, program, warnings, ())
    watch("learning rules", len(candidates), len(candidates))
    if best is None:
        raise BadOption(
            f"no {options.learner} program fits a budget of {budget} literals; the smallest has "
            f"{smallest}, so allow as many or choose another learner",
            option="budget",
            value=budget,
        )
    return replace(best[1], trials=tuple(trials))


def curve_files(options: ExtractOptions, trials: Sequence[Trial]) -> dict[str, bytes]:
    """The curve literals → fidelity as data and as a picture, by file name."""
    series: dict[str, list[tuple[float, float]]] = {}
    for trial in trials:
        series.setdefault(trial.bits, []).append((trial.literals, trial.validation))
    title = f"Validation fidelity by literals ({options.learner})"
    picture = curve_svg(title, "literals", "fidelity", series)
    document = {"learner": options.learner, "trials": [asdict(trial) for trial in trials]}
    return {
        "literals.json": (json.dumps(document, indent=2) + "\n").encode(),
        "literals.svg": picture.encode(),
    }


def _candidates(options: ExtractOptions) -> Iterator[ExtractOptions]:
    for end in range(1, len(options.grids) + 1):
        grids = options.grids[:end]
        if options.threshold is not None:
            yield replace(options, grids=grids)
            continue
        for threshold, cuts in BITS:
            yield replace(options, grids=grids, threshold=threshold, cuts=cuts)


def _programs(
    options: ExtractOptions,
    quantisation: Quantisation,
    splits: Splits,
    classes: Sequence[str],
    budget: int,
) -> Iterator[tuple[ExtractOptions, Program, tuple[str, ...], tuple[Trial, ...]]]:
    """Programs of rising size, up to the first that is too large.

    With each its warnings and, of a learner that chooses the size itself, what it tried.
    """
    table = quantisation.bits(splits["train"].values), splits["train"].decisions
    held = quantisation.bits(splits["validation"].values), splits["validation"].decisions
    for sized in _sized(options, budget):
        learner = build_learner(sized.learner, **sized.learner_arguments())
        learner.fit(*table, quantisation.names, classes, validation=held)
        curve = tuple(
            Trial(bits_named(sized), point.literals, point.fidelity, point.held)
            for point in getattr(learner, "curve_", ())
        )
        yield sized, learner.program_, tuple(getattr(learner, "warnings_", ())), curve
        if size_of(learner.program_, ()).literals > budget:
            return


def _sized(options: ExtractOptions, budget: int) -> Iterator[ExtractOptions]:
    if options.learner not in _SIZES:
        # its own bound is on literals
        bound = options.max_rules if isinstance(options.max_rules, int) else budget
        yield replace(options, max_rules=min(bound, budget))
        return
    name, values = _SIZES[options.learner]
    for value in values:
        if name == "max_rules":
            if isinstance(options.max_rules, int) and value > options.max_rules:
                return
            yield replace(options, max_rules=int(value))
        else:
            yield replace(options, learner_options={**options.learner_options, name: value})


def _trial(
    options: ExtractOptions, program: Program, quantisation: Quantisation, splits: Splits
) -> Trial:
    fidelity = {
        name: measure(
            program,
            quantisation.bits(splits[name].values),
            quantisation.names,
            splits[name].decisions,
        ).fidelity
        for name in ("train", "validation")
    }
    return Trial(bits_named(options), size_of(program, ()).literals, **fidelity)


def bits_named(options: ExtractOptions) -> str:
    """What the bits of options are, in a few words: `info-gain, 3 cuts, grids 1 and 2`."""
    threshold = (options.threshold or "mean").replace("_", "-")
    cuts = f", {options.cuts} cuts" if options.cuts > 1 else ""
    grids = " and ".join(map(str, options.grids))
    return f"{threshold}{cuts}, grid{'s' if len(options.grids) > 1 else ''} {grids}"
