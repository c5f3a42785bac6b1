from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings

from proofsight_server.rules.path import Path, shortened, without_subsumed
from tests.strategies import random_generators


def random_tree(rng: np.random.Generator, width: int, classes: int) -> list[Path]:
    """Paths of a random tree: exclusive and exhaustive."""

    def below(literals: tuple[tuple[int, bool], ...]) -> list[Path]:
        free = sorted(set(range(width)) - {column for column, _ in literals})
        if not free or rng.random() < 0.15 * len(literals):
            return [Path(literals, int(rng.integers(classes)))]
        column = free[int(rng.integers(len(free)))]
        return [path for sign in (False, True) for path in below((*literals, (column, sign)))]

    return below(())


def holds(path: Path, vector: tuple[bool, ...]) -> bool:
    return all(vector[column] == positive for column, positive in path.literals)


def slow_shortened(paths: list[Path]) -> list[Path]:
    """The definition, literal by literal."""
    shorter = []
    for path in paths:
        body = list(path.literals)
        for literal in reversed(path.literals):
            rest = [other for other in body if other != literal]
            contradicts_all = True
            for other in paths:
                if other.label == path.label:
                    continue
                opposite = [(c, s) for c, s in rest if (c, not s) in other.literals]
                if not opposite:
                    contradicts_all = False
            if contradicts_all:
                body = rest
        shorter.append(Path(tuple(body), path.label))
    kept: list[Path] = []
    for place, path in enumerate(shorter):
        subsumed = False
        for at, other in enumerate(shorter):
            if at == place or other.label != path.label:
                continue
            inside = set(other.literals) <= set(path.literals)
            if inside and (set(other.literals) != set(path.literals) or at < place):
                subsumed = True
        if not subsumed:
            kept.append(path)
    return kept


@settings(max_examples=80, deadline=None)
@given(rng=random_generators())
def test_shortening_is_that_of_the_definition_and_changes_no_decision(
    rng: np.random.Generator,
) -> None:
    paths = random_tree(rng, int(rng.integers(1, 7)), int(rng.integers(1, 4)))
    shorter = shortened(paths)
    assert list(shorter) == slow_shortened(paths)
    for vector in product((False, True), repeat=6):
        (decided,) = {path.label for path in paths if holds(path, vector)}
        assert {path.label for path in shorter if holds(path, vector)} == {decided}


def test_of_equal_paths_the_first_stays_and_other_classes_do_not_count() -> None:
    short, long, other = Path(((0, True),), 1), Path(((1, False), (0, True)), 1), Path((), 0)
    assert without_subsumed([long, short, short, other]) == (short, other)


def test_a_path_holds_where_all_its_literals_do() -> None:
    bits = np.array([[True, False], [True, True], [False, False]])
    assert Path(((0, True), (1, False)), 0).holds(bits).tolist() == [True, False, False]
    assert Path((), 0).holds(bits).all()
