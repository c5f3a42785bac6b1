from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.rules.check import check_learner
from proofsight_server.rules.learner import LEARNERS, build_learner
from proofsight_server.rules.program import Literal
from proofsight_server.rules.table import table
from proofsight_server.rules.tree import TreeRules
from tests.strategies import random_bits

CLASSES = tuple(f"digit_{k}" for k in range(10))


def names(width: int) -> tuple[str, ...]:
    return tuple(f"conv3_c{k}" for k in range(width))


def test_tables_that_do_not_fit_are_refused() -> None:
    bits, target = random_bits(np.random.default_rng(0), 20, 4), np.arange(20) % 2
    table(bits, target, names(4), CLASSES[:2])
    wrong = [
        (bits.astype(np.int64), target, names(4), CLASSES, "booleans"),
        (bits, target, names(5), CLASSES, r"\(n, 5\)"),
        (bits[:0], target[:0], names(4), CLASSES, "at least one"),
        (bits, target[1:], names(4), CLASSES, "20 images"),
        (bits, target.astype(np.float32), names(4), CLASSES, "float32"),
        (bits, target, names(4), CLASSES[:1], "class 1; there are 1"),
        (bits, target - 1, names(4), CLASSES, "class -1"),
        (bits, target, ("p", "q", "p", "r"), CLASSES, "'p' occurs"),
        (bits, target, names(4), ("a", "a"), "'a' occurs"),
    ]
    for *arguments, message in wrong:
        with pytest.raises(BadTensor, match=str(message)):
            table(*arguments)  # type: ignore[arg-type]  # the point
    with pytest.raises(BadTensor, match="validation"):
        table(bits, target, names(4), CLASSES, (bits[:, 1:], target))


def test_columns_are_sorted_by_the_size_of_their_numbers() -> None:
    given = ("conv10_c1", "conv2_c10", "conv2_c9_g2_r0c1", "conv2_c9", "fc1_u7")
    learned = table(np.eye(5, dtype=bool), np.zeros(5, np.int64), given, ("a",))
    expected = ("conv2_c9", "conv2_c9_g2_r0c1", "conv2_c10", "conv10_c1", "fc1_u7")
    assert learned.names == expected
    column = learned.names.index("conv2_c10")
    assert learned.bits[:, column].tolist() == [False, True, False, False, False]


def test_learners_are_made_by_name() -> None:
    learner = build_learner("tree", max_rules=7)
    assert isinstance(learner, TreeRules) and learner.max_rules == 7
    assert set(LEARNERS) >= {"tree"}
    with pytest.raises(BadOption, match="'forest'"):
        build_learner("forest")
    with pytest.raises(BadOption, match="depth"):
        build_learner("tree", depth=3)


def test_our_learner_passes_the_conformance_check() -> None:
    check_learner(TreeRules)
    check_learner(lambda: TreeRules(simplify="none"))
    check_learner(lambda: TreeRules("auto", "lossy", epsilon=0.01))


class Careless(TreeRules):
    """Sees columns as they come, and never forgets."""

    def fit(self, bits, target, names, classes, *, validation=None):  # type: ignore[no-untyped-def]  # brief
        target[:9] = 1
        super().fit(bits, target, names, classes, validation=validation)
        last = self.program_.rules[-1]
        odd = replace(last, body=(*last.body, Literal(names[0]), Literal("unheard_of")), stats=())
        self.program_ = replace(self.program_, rules=(*self.program_.rules[:-1], odd))


def test_a_learner_that_breaks_promises_is_told_which() -> None:
    with pytest.raises(AssertionError) as error:
        check_learner(Careless)
    for promise in ("returns the learner", "arguments", "order of the columns", "given names"):
        assert promise in str(error.value)
    assert "never decided" not in str(error.value)


def test_a_learner_of_ones_own_is_made_by_module_and_factory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "homegrown.py").write_text(
        "from proofsight_server.rules.tree import TreeRules\n"
        "class Plain:\n"
        "    def __init__(self, depth=2):\n"
        "        self.depth = depth\n"
        "def any_tree(**options):\n"
        "    return TreeRules(**options)\n"
    )
    monkeypatch.chdir(tmp_path)
    plain = build_learner("homegrown:Plain", depth=3, seed=1)
    assert vars(plain) == {"depth": 3}
    tree = build_learner("homegrown:any_tree", max_rules=7, seed=1)
    assert isinstance(tree, TreeRules) and (tree.max_rules, tree.seed) == (7, 1)
    for name, options, message in (
        ("homegrown:Plain", {"max_rules": 7}, "no option 'max_rules'; it has depth"),
        ("homegrown:Plane", {}, "no factory 'Plane'; nearest: Plain"),
        ("homegrow:Plain", {}, "cannot import 'homegrow'"),
    ):
        with pytest.raises(BadOption, match=message):
            build_learner(name, **options)


def test_the_learner_that_the_documentation_shows_keeps_every_promise() -> None:
    page = Path(__file__).parents[2] / "docs" / "learners.md"
    shown = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    assert "check_learner(OneBit)" in shown
    exec(compile(shown, str(page), "exec"), {})
