"""Tables that `fold` is tried on, and short words for what it makes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.program import ClassHead, Program, Rule
from proofsight_server.symbols.feature import Bools, Ints
from tests.rules import slow_fold

CLASSES = tuple(f"digit_{k}" for k in range(10))


def names(width: int) -> tuple[str, ...]:
    return tuple(f"conv3_c{k}" for k in range(width))


def noisy(rng: np.random.Generator, images: int, width: int, classes: int) -> tuple[Bools, Ints]:
    """Bits that tell something about the class, and much that does not."""
    target = rng.integers(0, classes, images)
    prototypes = rng.random((classes, width)) < 0.4
    return prototypes[target] ^ (rng.random((images, width)) < 0.2), target


def rows(bits: Bools) -> list[slow_fold.Image]:
    return [tuple(row) for row in bits.tolist()]


def top_rules(program: Program) -> list[Rule]:
    return [rule for rule in program.rules if isinstance(rule.head, ClassHead)]


def head(rule: Rule) -> str:
    assert isinstance(rule.head, ClassHead)
    return rule.head.name


def decisions(program: Program, bits: Bools) -> list[int]:
    found: list[int] = evaluate(program, bits, names(bits.shape[1])).decisions.tolist()
    return found


def without_stats(program: Program) -> list[Rule]:
    return [replace(rule, stats=()) for rule in program.rules]


def planted(bits: Bools) -> Ints:
    """`c0 <- p3, not p7, not (p11, not p2); c1 <- p5, not p9; else c2`."""
    first = bits[:, 3] & ~bits[:, 7] & ~(bits[:, 11] & ~bits[:, 2])
    return np.where(first, 0, np.where(bits[:, 5] & ~bits[:, 9], 1, 2))


def weak(rng: np.random.Generator, images: int) -> tuple[Bools, Ints]:
    """Bits so weak that many images are left without a rule."""
    target = rng.integers(0, 6, images)
    prototypes = rng.random((6, 30)) < 0.5
    return prototypes[target] ^ (rng.random((images, 30)) < 0.4), target
