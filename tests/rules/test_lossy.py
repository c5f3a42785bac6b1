from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.rules.lossy import pruned
from proofsight_server.rules.path import Path
from proofsight_server.symbols.feature import Bools, Ints
from tests.strategies import random_bits, random_generators

Data = tuple[Bools, Ints]


def holds(path: Path, row: Bools) -> bool:
    return all(bool(row[column]) == positive for column, positive in path.literals)


def ordered(paths: Sequence[Path], training: Data) -> list[Path]:
    def key(path: Path) -> tuple[float, int]:
        held = [label for row, label in zip(*training, strict=True) if holds(path, row)]
        right = sum(label == path.label for label in held)
        return (-right / len(held) if held else 0.0, -len(held))

    return sorted(paths, key=key)


def right(paths: Sequence[Path], validation: Data, default: int) -> int:
    count = 0
    for row, label in zip(*validation, strict=True):
        decided = next((path.label for path in paths if holds(path, row)), default)
        count += decided == label
    return count


def slow_pruned(
    paths: Sequence[Path], training: Data, validation: Data, default: int, epsilon: float
) -> list[Path]:
    """Greedy removal, each candidate tried on each image by itself."""
    rules = ordered(paths, training)
    start = right(rules, validation, default)
    images = len(validation[0])
    while True:
        candidates: list[list[Path]] = []
        for place in range(len(rules) - 1, -1, -1):
            candidates.append(rules[:place] + rules[place + 1 :])
        for place in range(len(rules) - 1, -1, -1):
            body = rules[place].literals
            for at in range(len(body) - 1, -1, -1):
                if len(body) > 1:
                    path = Path(body[:at] + body[at + 1 :], rules[place].label)
                    candidates.append([*rules[:place], path, *rules[place + 1 :]])
        best: tuple[int, list[Path]] | None = None
        for candidate in candidates:
            again = ordered(candidate, training)
            hits = right(again, validation, default)
            if (start - hits) / images <= epsilon + 1e-12 and (best is None or hits > best[0]):
                best = hits, again
        if best is None:
            return rules
        rules = best[1]


@settings(max_examples=25, deadline=None)
@given(rng=random_generators(), epsilon=st.sampled_from([0.0, 0.1, 0.3]))
def test_pruning_is_that_of_the_definition(rng: np.random.Generator, epsilon: float) -> None:
    training = random_bits(rng, 12, 4), rng.integers(0, 3, 12)
    validation = random_bits(rng, 10, 4), rng.integers(0, 4, 10)
    paths = []
    for _ in range(int(rng.integers(1, 5))):
        columns = rng.choice(4, int(rng.integers(1, 4)), replace=False)
        literals = tuple((int(column), bool(rng.random() < 0.5)) for column in columns)
        paths.append(Path(literals, int(rng.integers(3))))
    fast = pruned(paths, training, validation, 1, epsilon)
    assert list(fast) == slow_pruned(paths, training, validation, 1, epsilon)
