"""The causal check, against networks whose causes are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from proofsight_server.errors import BadOption
from proofsight_server.extraction.causal import causal_check
from proofsight_server.extraction.cause import (
    CAUSAL,
    CORRELATED,
    UNDECIDED,
    UNTRIED,
    CausalOptions,
    Cause,
)
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.loading import load_revision_network
from proofsight_server.extraction.loss import Loss, judged, p_value
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.extraction.revise import revise
from proofsight_server.extraction.sign_flip import holm, sign_flip
from proofsight_server.knowledge.forced import read_clauses
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import QUANTISER, Revision
from proofsight_server.rules.edit import ForceRule, RemoveRule
from proofsight_server.rules.program import (
    ClassHead,
    ExceptionHead,
    Literal,
    PointsHead,
    Program,
    Rule,
    Unless,
)
from proofsight_server.rules.usage import rules_using, used_in_proofs
from proofsight_server.symbols.feature import Cell, Feature, Proposition
from proofsight_server.symbols.opposite import Replacements


def check(revision: Revision, source: Source, **options: object) -> dict[str, Cause]:
    network = load_revision_network(revision)
    settings = CausalOptions(**{"split": "train", "images": 60, **options})  # type: ignore[arg-type]  # by the tests
    causes = causal_check(revision, source.dataset, network, settings)
    return {cause.proposition: cause for cause in causes}


@pytest.fixture(scope="module")
def planted(source: Source, tmp_path_factory: pytest.TempPathFactory) -> tuple[Revision, str, str]:
    """A program of one rule for each of two channels, one of which the head does not see."""
    head = [m for m in source.network.module.modules() if isinstance(m, torch.nn.Linear)][-1]
    before = head.weight.detach().clone()
    here = Repository(tmp_path_factory.mktemp("planted"))
    try:
        first = extract(ExtractOptions(max_rules=8, seed=3), source, here, "three")
        used = first.program.propositions()
        planted, other = used[0], used[1]
        index = first.quantisation.observable[first.quantisation.names.index(planted)].feature
        assert index is not None
        with torch.no_grad():
            columns = head.weight.shape[1] // first.quantisation.layers[-1].size
            head.weight[:, index.index * columns : (index.index + 1) * columns] = 0
        blind = extract(ExtractOptions(max_rules=8, seed=3), source, here, "blind")
    finally:
        with torch.no_grad():
            head.weight.copy_(before)
    quantiser = (blind.directory / QUANTISER).read_bytes()
    clauses = "".join(
        f"class(Image, 'Digit_1') :- rule(f{n}, Image), active(Image, {name}).\n"
        for n, name in enumerate((planted, other))
    )
    rules = read_clauses(clauses, blind.program, quantiser)
    gone = [RemoveRule(rule.id) for rule in blind.program.rules]
    revised = revise(
        blind,
        edits=[ForceRule(rules), *gone],
        unmeasured="not needed",
        repository=here,
    )
    assert revised.revision is not None
    return revised.revision, planted, other


@pytest.mark.parametrize("replace", ["opposite", "zero", "mean"])
def test_a_channel_that_the_network_does_not_use_has_no_effect(
    planted: tuple[Revision, str, str], source: Source, replace: str
) -> None:
    revision, name, _ = planted
    cause = check(revision, source, replace=replace)[name]
    assert cause.effect is not None
    assert cause.effect.changed == 0
    assert cause.effect.logit == pytest.approx(0, abs=1e-5)
    assert cause.verdict == CORRELATED
    assert cause.p == cause.adjusted == 1
    assert cause.rules == ("f0",)


def test_controls_are_channels_that_the_program_does_not_use(
    planted: tuple[Revision, str, str], source: Source
) -> None:
    revision, *used = planted
    for cause in check(revision, source, controls=2).values():
        assert len(cause.controls) == 2
        assert not {control.proposition for control in cause.controls} & set(used)


def test_a_channel_that_the_network_uses_is_told_apart_from_nothing(
    planted: tuple[Revision, str, str], source: Source
) -> None:
    revision, _, name = planted
    cause = check(revision, source, controls=0)[name]
    assert cause.effect is not None and cause.adjusted is not None and cause.p is not None
    assert cause.p <= cause.adjusted
    assert (cause.verdict == CAUSAL) == (cause.adjusted <= 0.05)
    assert (cause.verdict == CORRELATED) == (
        cause.adjusted > 0.05 and cause.effect.changed == 0 and cause.effect.logit >= -1e-6
    )
    assert 0 <= (cause.agreement or 0) <= 1
    assert cause.images <= 60


def test_the_same_seed_gives_the_same_figures(
    planted: tuple[Revision, str, str], source: Source
) -> None:
    revision, *_ = planted
    assert check(revision, source, images=7, seed=5) == check(revision, source, images=7, seed=5)


@pytest.mark.parametrize(
    "options",
    [{"split": "all"}, {"replace": "noise"}, {"images": 0}, {"controls": -1}, {"level": 0}],
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(BadOption):
        CausalOptions(**options)  # type: ignore[arg-type]  # wrong ones, on purpose


def test_silencing_what_is_silent_is_not_tried(
    planted: tuple[Revision, str, str], source: Source, tmp_path: Path
) -> None:
    revision, name, _ = planted
    text = f"class(Image, 'Digit_1') :- rule(g, Image), \\+ active(Image, {name})"
    rules = read_clauses(text, revision.program, (revision.directory / QUANTISER).read_bytes())
    revised = revise(
        revision,
        edits=[ForceRule(rules), RemoveRule("f0"), RemoveRule("f1")],
        unmeasured="not needed",
        repository=Repository(tmp_path),
    )
    assert revised.revision is not None
    cause = check(revised.revision, source, replace="zero")[name]
    assert (cause.images, cause.effect, cause.verdict) == (0, None, UNTRIED)


# --- whether it is chance ---------------------------------------------------------


def effect(loss: Loss, controls: Sequence[Loss], p: float) -> Cause:
    return Cause(
        "q", "", (), 9, loss.effect("q"), 0.5, tuple(c.effect("c") for c in controls), p, None, ""
    )


def lost(*logits: float) -> Loss:
    return Loss(np.zeros(len(logits), dtype=np.bool_), np.array(logits))


def test_more_than_one_control_is_not_more_than_every_control() -> None:
    rng = np.random.default_rng(0)
    strong = lost(*rng.normal(1, 0.2, size=40))
    weak, as_strong = lost(*np.zeros(40)), lost(*rng.normal(1.2, 0.2, size=40))
    assert p_value(strong, [weak], rng) < 0.001
    assert p_value(strong, [], rng) < 0.001
    assert p_value(strong, [weak, as_strong], rng) > 0.5


def test_changed_classes_count_as_lost_logits_do() -> None:
    rng = np.random.default_rng(0)
    zeros = np.zeros(30)
    moved = Loss(np.arange(30) < 12, zeros)
    assert p_value(moved, [lost(*zeros)], rng) == pytest.approx(2 * 2**-12)
    assert p_value(lost(*zeros), [moved], rng) == 1


def test_a_verdict_needs_both_more_and_no_chance_and_counts_the_propositions() -> None:
    controls = [lost(*[0.1] * 9)]
    more, less = lost(*[0.5] * 9), lost(*[0.05] * 9)
    tried = [effect(more, controls, p) for p in (0.01, 0.02, 0.04)] + [effect(less, controls, 1.0)]
    causes = judged(tried, 0.05)
    assert [c.adjusted for c in causes] == pytest.approx([0.04, 0.06, 0.08, 1.0])
    assert [c.verdict for c in causes] == [CAUSAL, UNDECIDED, UNDECIDED, CORRELATED]
    assert judged(tried, 0.07)[1].verdict == CAUSAL


@given(st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=9))
def test_few_pairs_are_tested_exactly(numbers: list[float]) -> None:
    signs = list(product((1, -1), repeat=len(numbers)))
    sums = [sum(s * n for s, n in zip(one, numbers, strict=True)) for one in signs]
    exact = sum(one >= sum(numbers) for one in sums) / len(sums)
    assert sign_flip(np.array(numbers), np.random.default_rng(0)) == pytest.approx(exact)


def test_many_pairs_are_tested_by_draws_near_the_exact_value() -> None:
    rng = np.random.default_rng(0)
    differences = np.array([1.0] * 20 + [-1.0] * 10)
    exact = sum(math.comb(30, k) for k in range(20, 31)) / 2**30
    assert sign_flip(differences, rng) == pytest.approx(exact, abs=0.01)
    assert sign_flip(np.ones(60), rng) == pytest.approx(1e-4)  # never 0
    assert sign_flip(np.zeros(5), rng) == 1


@given(st.lists(st.floats(0, 1), max_size=6))
def test_holm_is_the_largest_of_the_multiples_so_far(values: list[float]) -> None:
    count = len(values)
    for at, adjusted in enumerate(holm(values)):
        before = [v for v in values if v <= values[at]]
        multiples = [(count - rank) * v for rank, v in enumerate(sorted(before))]
        assert adjusted == min(1.0, max(multiples))
        assert adjusted >= values[at]


# --- what proofs use ------------------------------------------------------------

NAMES = ("p", "q", "s")
PROGRAM = Program(
    (
        Rule("r1", ClassHead("a"), (Literal("p"), Unless("r1"))),
        Rule("r1_1", ExceptionHead("r1"), (Literal("q"),)),
        Rule("r2", ClassHead("b"), (Literal("s"),)),
    ),
    ("a", "b"),
    "ordered",
    "b",
)


def test_a_proof_uses_the_deciding_rule_and_its_exceptions_and_nothing_by_default() -> None:
    bits = np.array([[1, 0, 1], [1, 1, 1], [0, 0, 0]], dtype=np.bool_)
    used, decided = used_in_proofs(PROGRAM, bits, NAMES)
    assert used.tolist() == [[True, True, False], [False, False, True], [False, False, False]]
    assert decided.tolist() == [0, 1, 1]
    assert rules_using(PROGRAM, "q") == ("r1",)


def test_under_points_the_lines_of_the_winner_that_hold_are_used() -> None:
    program = Program(
        (
            Rule("p1", PointsHead("a", 3), (Literal("p"),)),
            Rule("p2", PointsHead("a", 1), (Literal("q"),)),
            Rule("p3", PointsHead("b", 2), (Literal("s"),)),
        ),
        ("a", "b"),
        "points",
    )
    bits = np.array([[1, 0, 1], [0, 1, 1]], dtype=np.bool_)
    used, decided = used_in_proofs(program, bits, NAMES)
    assert used.tolist() == [[True, False, False], [False, False, True]]
    assert decided.tolist() == [0, 1]


# --- replacements ---------------------------------------------------------------


def test_replacements_are_the_means_by_bit_and_only_of_their_cell() -> None:
    rng = np.random.default_rng(0)
    maps = torch.tensor(rng.random((12, 3, 4, 4)), dtype=torch.float32)
    cell = Cell((2, 2), (1, 0))
    whole = Proposition("c1", "l", Feature("l", 1), 8.0)
    tile = Proposition("c2", "l", Feature("l", 2, "l1", cell), 2.0)
    learned = Replacements([whole, tile])
    learned.partial_fit(maps[:5])
    learned.partial_fit(maps[5:])
    active = maps[:, 1].sum(dim=(1, 2)) > 8.0
    put = learned.put(maps.clone(), "c1", "opposite")
    for image in range(12):  # the slow twin
        others = maps[active != active[image], 1]
        assert torch.allclose(put[image, 1], others.mean(dim=0), atol=1e-6)
    assert torch.equal(put[:, [0, 2]], maps[:, [0, 2]])
    zero = learned.put(maps.clone(), "c2", "zero")
    assert not zero[:, 2, 2:, :2].any()
    zero[:, 2, 2:, :2] = maps[:, 2, 2:, :2]
    assert torch.equal(zero, maps)
    mean = learned.put(maps.clone(), "c1", "mean")
    assert torch.allclose(mean[3, 1], maps[:, 1].mean(dim=0), atol=1e-6)


def test_a_bit_that_no_image_has_takes_the_mean_over_all() -> None:
    maps = torch.ones(4, 1, 2, 2)
    learned = Replacements([Proposition("c0", "l", Feature("l", 0), 100.0)])
    learned.partial_fit(maps)
    assert learned.never("c0", active=True)
    assert torch.equal(learned.put(maps.clone(), "c0", "opposite"), maps)
