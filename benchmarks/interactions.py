"""Effects of score tables: how near the optimum in how much time, and how well they are found.

shapiq 1.4.1 is not among our requirements: `pip install --target DIR shapiq==1.4.1`, then
`PYTHONPATH=DIR python -m benchmarks interactions`.  All takes about 5 minutes.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import statistics
import time

import numpy as np

from benchmarks.figures import Figure, Row, Skipped
from benchmarks.workspace import Workspace
from proofsight_server.interactions import and_effects, extract, from_effects, or_effects
from proofsight_server.interactions.masks import Doubles, orders
from proofsight_server.interactions.primitive import effects_of, ranking, salient
from proofsight_server.interactions.refit import r_squared
from proofsight_server.interactions.selection import Target, select
from proofsight_server.interactions.sharing import agreement
from proofsight_server.symbols.feature import Bools

SHAPIQ = "1.4.1"
SEEDS = range(3)
# regions, networks, gap, most seconds
SOLVED = ((8, 2, 1e-3, 0.5), (10, 3, 1e-3, 3.0), (12, 1, 1e-2, 10.0))
BOXES = (0.0, 0.02)
# regions, networks, gaps: 12 regions to 1e-4 with a box take minutes
TOP, TIE = 100, 0.01
STARTED = ((8, 2, (1e-3, 1e-4)), (10, 2, (1e-3, 1e-4)), (12, 1, (1e-3,)))
PLANTED, NOISE = 10, 0.005
KEPT = (12, 30, 60)


def run(workspace: Workspace) -> list[Row]:
    """Solver, transforms, uniqueness, recovery, compactness; tables are drawn, not measured."""
    return [*_solved(), *_transforms(), *_matching(), *_starts(), *_recovery(), *_compactness()]


def network_tables(regions: int, networks: int, seed: int) -> Doubles:
    """Scores (m, 2^n) of random networks with one layer of 30 ReLUs, and a span of 7."""
    rng = np.random.default_rng(seed)
    inner = rng.normal(size=(networks, regions, 30))
    offsets, outer = rng.normal(size=(networks, 1, 30)), rng.normal(size=(networks, 30))
    kept = (np.arange(1 << regions)[:, None] >> np.arange(regions)) & 1
    hidden = np.maximum(np.einsum("tn,mnh->mth", kept, inner) + offsets, 0)
    scores = np.einsum("mth,mh->mt", hidden, outer)
    scores -= scores[:, :1]
    tables: Doubles = 7 * scores / np.abs(scores[:, -1:])
    return tables


def planted_table(regions: int, seed: int, noise: float) -> tuple[Doubles, set[int]]:
    """A table (2^n,) of primitives of orders 2 to 4, with normal noise, and their places."""
    rng = np.random.default_rng(seed)
    sizes = orders(regions)
    middling = np.flatnonzero((sizes >= 2) & (sizes <= 4))
    pool = np.concatenate([middling, middling + (1 << regions)])
    places = rng.choice(pool, PLANTED, replace=False)
    effects = np.zeros(2 << regions)
    effects[places] = rng.choice([-1, 1], PLANTED) * rng.uniform(1, 2, PLANTED)
    table = from_effects(effects[: 1 << regions], effects[1 << regions :])
    drawn = noise * abs(table[-1] - table[0]) * rng.normal(size=len(table))
    return table + drawn, {int(place) for place in places}


def _solved() -> list[Row]:
    rows: list[Row] = []
    for regions, networks, gap, most in SOLVED:
        for box in BOXES:
            seconds, gaps = [], []
            for seed in SEEDS:
                tables = network_tables(regions, networks, seed)
                start = time.perf_counter()
                found = extract(tables, box=box, gap=gap)
                seconds.append(time.perf_counter() - start)
                gaps.append(found.gap)
            name = f"extraction, n = {regions}, m = {networks}, box {box:g}"
            rows.append(Figure(f"{name}: time", tuple(seconds), "s", most, "at_most"))
            rows.append(Figure(f"{name}: certified gap", tuple(gaps), "", gap, "at_most"))
    return rows


def _transforms() -> list[Row]:
    regions = 12
    name = f"exact AND transform, n = {regions}"
    table = network_tables(regions, 1, 0)[0]
    ours, effects = [], np.empty(0)
    for _ in range(20):
        start = time.perf_counter()
        effects = and_effects(table)
        ours.append(time.perf_counter() - start)
    rows: list[Row] = [Figure(f"{name}: time", tuple(ours), "s")]
    try:
        found = importlib.metadata.version("shapiq")
    except importlib.metadata.PackageNotFoundError:
        found = "not installed"
    if found != SHAPIQ:
        return [*rows, Skipped(f"{name}: times as fast as shapiq", f"shapiq {SHAPIQ} is {found}")]
    theirs, moebius = _shapiq(table, regions)
    return [
        *rows,
        Figure(f"{name}: time of shapiq's exact Möbius", (theirs,), "s"),
        Figure(f"{name}: times as fast as shapiq", (theirs / statistics.median(ours),), "×", 1000),
        Figure(
            f"{name}: largest difference from shapiq",
            (float(np.abs(effects - moebius).max()),),
            "",
            1e-10,
            "at_most",
        ),
    ]


def _shapiq(table: Doubles, regions: int) -> tuple[float, Doubles]:
    """Seconds of shapiq's ExactComputer for all Möbius coefficients, and these by mask."""
    shapiq = importlib.import_module("shapiq")

    def game(coalitions: Bools) -> Doubles:
        return table[coalitions @ (1 << np.arange(regions))]

    start = time.perf_counter()
    computer = shapiq.ExactComputer(n_players=regions, game=game)
    values = computer(index="Moebius", order=regions)
    seconds = time.perf_counter() - start
    moebius = np.zeros(1 << regions)
    for players, place in values.interaction_lookup.items():
        moebius[sum(1 << player for player in players)] = values.values[place]
    moebius[0] = table[0]
    return seconds, moebius


def _matching() -> list[Row]:
    errors = []
    for regions in (8, 12):
        table = network_tables(regions, 1, 1)[0]
        split = np.random.default_rng(0).normal(size=len(table)) * np.ptp(table)
        again = from_effects(and_effects(split), or_effects(table - split))
        errors.append(float(np.abs(again - table).max() / np.abs(table).max()))
        found = extract(table, box=0, gap=1e-2)
        errors.append(float(np.abs(found.residual).max() / np.abs(table).max()))
    return [Figure("matching on all masks, relative error", tuple(errors), "", 1e-9, "at_most")]


def _starts() -> list[Row]:
    rows: list[Row] = []
    for regions, networks, gaps in STARTED:
        for box in BOXES:
            for gap in gaps:
                rows += _started(regions, networks, box, gap)
    return rows


def _started(regions: int, networks: int, box: float, gap: float) -> list[Row]:
    """How far two random starts agree, and whether what differs is a tie with the last."""
    agreeing: list[float] = []
    apart: list[float] = []
    largest: list[float] = []
    reached: list[float] = []
    for seed in SEEDS:
        tables = network_tables(regions, networks, seed)
        one, other = (
            extract(tables, box=box, gap=gap, max_steps=20_000, rng=np.random.default_rng(start))
            for start in (1, 2)
        )
        agreeing += agreement(one, other, top=TOP)
        for mine, theirs in zip(effects_of(one), effects_of(other), strict=True):
            apart.append(_not_tied(mine, theirs))
            largest.append(float(np.abs(mine - theirs).max() / np.abs(mine).max()))
        reached += [one.gap, other.gap]
    name = f"two random starts, n = {regions}, m = {networks}, box {box:g}, gap {gap:g}"
    return [
        Figure(f"{name}: same of the top {TOP}", tuple(agreeing), "mean", 0.99),
        Figure(
            f"{name}: others, further than {TIE:.0%} from the size of the last",
            tuple(apart),
            "mean",
            0,
            "at_most",
        ),
        Figure(f"{name}: largest difference, of the largest effect", tuple(largest), ""),
        Figure(f"{name}: gaps reached", tuple(reached), ""),
    ]


def _not_tied(mine: Doubles, theirs: Doubles) -> float:
    """How many primitives only one of two has among its strongest, and not by a hair."""
    ours, others = ranking(mine)[:TOP], ranking(theirs)[:TOP]
    last = abs(mine[ours[-1]])
    differing = np.setxor1d(ours, others)
    sizes = np.abs(np.stack([mine[differing], theirs[differing]]))
    return float((np.abs(sizes - last) > TIE * last).any(axis=0).sum())


def _recovery() -> list[Row]:
    rows: list[Row] = []
    for noise in (0.0, NOISE):
        for box in BOXES:
            scores = []
            for seed in SEEDS:
                table, places = planted_table(8, seed, noise)
                effects = effects_of(extract(table, box=box))[0]
                found = {int(place) for place in salient(effects)}
                scores.append(2 * len(found & places) / (len(found) + len(places)))
            target = 0.95 if not noise else None
            name = f"planted primitives, noise {noise:g}, box {box:g}: F1"
            rows.append(Figure(name, tuple(scores), "mean", target))
    return rows


def _compactness() -> list[Row]:
    rows: list[Row] = []
    tables = [network_tables(10, 1, seed)[0] for seed in SEEDS]
    effects = [effects_of(extract(table, gap=1e-2))[0] for table in tables]
    for most in KEPT:
        for method in ("prune", "grow"):
            found = [
                select(table, effect, Target(most), method=method)
                for table, effect in zip(tables, effects, strict=True)
            ]
            r2 = tuple(
                r_squared(table, one.residual) for table, one in zip(tables, found, strict=True)
            )
            worst = tuple(one.worst for one in found)
            name = f"{most} primitives, n = 10, {method}"
            rows.append(Figure(f"{name}: R² after refit", r2, "mean"))
            rows.append(Figure(f"{name}: worst error of a span of 7", worst, "mean"))
    return rows
