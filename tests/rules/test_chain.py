"""Programs over several layers, held against layer by layer evaluation from the definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.errors import BadOption, UnknownLayer
from proofsight_server.rules.chain import Chain, Mode
from proofsight_server.rules.entry import entry_layers, observed_at
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.fold import DefaultRules
from proofsight_server.rules.link import links
from proofsight_server.rules.program import (
    ClassHead,
    DerivedHead,
    Literal,
    Program,
    Rule,
)
from proofsight_server.rules.tree import TreeRules
from proofsight_server.symbols.feature import Bools, Ints
from tests.rules import slow_evaluation
from tests.strategies import random_generators

CLASSES = ("street", "T-shirt/top", "digit_7")
LAYERS: dict[str, tuple[str, ...]] = {
    "conv1": tuple(f"conv1_c{k}" for k in range(9)),
    "conv2": tuple(f"conv2_c{k}" for k in range(6)),
    "conv3": tuple(f"conv3_c{k}" for k in range(5)),
}
NAMES = tuple(name for names in LAYERS.values() for name in names)


def planted(rng: np.random.Generator, images: int = 400, noise: float = 0.03) -> tuple[Bools, Ints]:
    """Each layer a function of the one below, but for some noise; the class of the top one."""
    one = rng.random((images, 9)) < 0.45
    two = np.stack([(one[:, k] & ~one[:, k + 1]) | one[:, k + 3] for k in range(6)], axis=1)
    two ^= rng.random(two.shape) < noise
    three = np.stack([two[:, k] & two[:, k + 1] for k in range(5)], axis=1)
    three ^= rng.random(three.shape) < noise
    target = np.where(three[:, 0], 0, np.where(three[:, 3] & ~three[:, 1], 1, 2))
    return np.concatenate([one, two, three], axis=1), target


def fitted(
    bits: Bools, target: Ints, mode: Mode = "faithful", layers: Mapping[str, Sequence[str]] = LAYERS
) -> Chain:
    chain = Chain(lambda: TreeRules(8), leaves=8, mode=mode)
    names = [name for own in layers.values() for name in own]
    columns = [NAMES.index(name) for name in names]
    return chain.fit(bits[:, columns], target, names, CLASSES, layers)


def layer_by_layer(
    program: Program, row: Mapping[str, bool], entry: str
) -> tuple[str | None, dict[str, bool]]:
    """The decision for one image: each layer above the entry from the one below it alone."""
    order = list(LAYERS)
    known = {name: row[name] for name in LAYERS[entry]}
    for above in order[order.index(entry) + 1 :]:
        below = dict(known)
        for name in LAYERS[above]:
            known[name] = any(
                rule.head == DerivedHead(name)
                and all(below[li.proposition] == li.positive for li in rule.literals())
                for rule in program.rules
            )
    top = Program(
        tuple(rule for rule in program.rules if isinstance(rule.head, ClassHead)),
        program.classes,
        program.policy,
        program.default,
    )
    return slow_evaluation.decide(top, known)[0], known


@settings(max_examples=15, deadline=None)
@given(rng=random_generators(), mode=st.sampled_from(["faithful", "refit"]))
def test_substitution_is_layer_by_layer_evaluation(rng: np.random.Generator, mode: Mode) -> None:
    bits, target = planted(rng)
    program = fitted(bits, target, mode).program_
    fresh = rng.random((40, len(NAMES))) < 0.5
    for entry in LAYERS:
        observed = observed_at(entry, program, LAYERS)
        found = evaluate(program, fresh, NAMES, observed=observed)
        for image, values in enumerate(fresh):
            row = dict(zip(NAMES, map(bool, values), strict=True))
            decided, _ = layer_by_layer(program, row, entry)
            assert CLASSES[found.decisions[image]] == decided
            seen = {name: row[name] for name in observed}
            assert slow_evaluation.decide(program, seen)[0] == decided


@settings(max_examples=15, deadline=None)
@given(rng=random_generators(), mode=st.sampled_from(["faithful", "refit"]))
def test_every_path_of_yes_is_a_rule_and_no_other_is(rng: np.random.Generator, mode: Mode) -> None:
    # The planted function is found, so a proposition is derived exactly where it is true.
    bits, target = planted(rng, 1500, noise=0.0)
    chain = fitted(bits, target, mode)
    fresh, truth = planted(rng, 300, noise=0.0)
    for entry in LAYERS:
        observed = observed_at(entry, chain.program_, LAYERS)
        found = evaluate(chain.program_, fresh, NAMES, observed=observed)
        assert (found.decisions == truth).mean() > 0.98
    assert all(link.agreement > 0.98 for link in chain.links_)


def test_the_program_above_uses_only_what_is_derived_below() -> None:
    bits, target = planted(np.random.default_rng(0))
    for mode in ("faithful", "refit"):
        program = fitted(bits, target, mode).program_
        top = [r for r in program.rules if isinstance(r.head, ClassHead)]
        used = {name for rule in top for name in Program((rule,), CLASSES).propositions()}
        assert used <= set(LAYERS["conv3"])
        for above, below in (("conv3", "conv2"), ("conv2", "conv1")):
            rules = [
                r
                for r in program.rules
                if isinstance(r.head, DerivedHead) and r.head.proposition in LAYERS[above]
            ]
            heads = {r.head.proposition for r in rules if isinstance(r.head, DerivedHead)}
            assert heads == used, "a tree for every proposition that is used, and for no other"
            used = {li.proposition for rule in rules for li in rule.literals()}
            assert used <= set(LAYERS[below])
        derived = [r.id for r in program.rules if isinstance(r.head, DerivedHead)]
        assert derived == [f"d{k + 1}" for k in range(len(derived))]
        assert entry_layers(program, LAYERS) == ("conv3", "conv2", "conv1")


def test_entered_at_the_top_a_faithful_chain_is_what_its_learner_found() -> None:
    rng = np.random.default_rng(1)
    bits, target = planted(rng)
    top = bits[:, -5:]
    alone = TreeRules(8).fit(top, target, LAYERS["conv3"], CLASSES).program_
    chained = fitted(bits, target).program_
    assert chained.rules[: len(alone.rules)] == alone.rules
    fresh = rng.random((200, len(NAMES))) < 0.5
    whole = evaluate(chained, fresh, NAMES)
    plain = evaluate(alone, fresh[:, -5:], LAYERS["conv3"])
    assert np.array_equal(whole.decisions, plain.decisions)
    assert np.array_equal(whole.rules, plain.rules)


@pytest.mark.parametrize("mode", ["faithful", "refit"])
def test_a_layer_below_that_is_the_same_leaves_every_decision(mode: Mode) -> None:
    rng = np.random.default_rng(2)
    bits, target = planted(rng)
    top = bits[:, -5:]
    layers = {"conv2": tuple(f"conv2_c{k}" for k in range(5)), "conv3": LAYERS["conv3"]}
    names = [*layers["conv2"], *layers["conv3"]]
    chain = Chain(lambda: TreeRules(8), leaves=8, mode=mode)
    program = chain.fit(np.hstack([top, top]), target, names, CLASSES, layers).program_
    fresh = rng.random((300, 5)) < 0.5
    both = np.hstack([fresh, fresh])
    alone = TreeRules(8).fit(top, target, layers["conv3"], CLASSES).program_
    expected = evaluate(alone, fresh, layers["conv3"]).decisions
    for entry in layers:
        observed = observed_at(entry, program, layers)
        found = evaluate(program, both, names, observed=observed)
        assert np.array_equal(found.decisions, expected)
    assert all(link.agreement == 1 for link in chain.links_)


def test_refitting_wins_where_the_layers_below_tell_little() -> None:
    rng = np.random.default_rng(5)
    bits, target = planted(rng, 4000, noise=0.12)
    held, truth = planted(rng, 4000, noise=0.12)
    fidelity = {}
    for mode in ("faithful", "refit"):
        program = fitted(bits, target, mode).program_
        observed = observed_at("conv1", program, LAYERS)
        found = evaluate(program, held, NAMES, observed=observed)
        fidelity[mode] = (found.decisions == truth).mean()
    assert fidelity["refit"] >= fidelity["faithful"]


def test_any_learner_may_decide_the_class() -> None:
    bits, target = planted(np.random.default_rng(3), 1500)
    chain = Chain(DefaultRules, leaves=8).fit(bits, target, NAMES, CLASSES, LAYERS)
    assert chain.program_.policy == "ordered"
    observed = observed_at("conv2", chain.program_, LAYERS)
    found = evaluate(chain.program_, bits, NAMES, observed=observed)
    assert (found.decisions == target).mean() > 0.8


def test_the_order_of_the_columns_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    bits, target = planted(rng)
    order = rng.permutation(len(NAMES))
    shuffled = Chain(lambda: TreeRules(8), leaves=8).fit(
        bits[:, order], target, [NAMES[k] for k in order], CLASSES, LAYERS
    )
    assert shuffled.program_ == fitted(bits, target).program_


def test_links_count_image_by_image() -> None:
    bits, target = planted(np.random.default_rng(6), noise=0.1)
    program = fitted(bits, target).program_
    found = {link.proposition: link for link in links(program, bits, NAMES, LAYERS)}
    assert set(found) == set(program.propositions()) - set(LAYERS["conv1"])
    for name, link in found.items():
        below = "conv2" if name in LAYERS["conv3"] else "conv1"
        derived = []
        for values in bits:
            row = dict(zip(NAMES, map(bool, values), strict=True))
            derived.append(layer_by_layer(program, row, below)[1][name])
        truth = bits[:, NAMES.index(name)]
        agree = np.array(derived) == truth
        assert link.agreement == pytest.approx(agree.mean())
        balanced = (agree[truth].mean() + agree[~truth].mean()) / 2
        assert link.balanced_agreement == pytest.approx(balanced)
        assert link.base_rate == pytest.approx(max(truth.mean(), 1 - truth.mean()))
        assert link.rules == sum(rule.head == DerivedHead(name) for rule in program.rules)


def unrelated() -> tuple[Bools, Ints, dict[str, tuple[str, ...]]]:
    """The class is that of conv2_c0, of which conv1 tells nothing, or of conv1_c0 twice."""
    rng = np.random.default_rng(7)
    low = np.repeat(rng.random((40, 2)) < 0.5, 10, axis=0)
    high = np.zeros((400, 2), dtype=np.bool_)
    high[::10, 0] = True
    high[:, 1] = low[:, 0]
    layers: dict[str, tuple[str, ...]] = {
        "conv1": ("conv1_c0", "conv1_c1"),
        "conv2": ("conv2_c0", "conv2_c1"),
    }
    target: Ints = np.where(high[:, 0], 0, 1 + high[:, 1])
    return np.hstack([low, high]), target, layers


def test_a_proposition_that_no_path_makes_active_is_never_derived() -> None:
    bits, target, layers = unrelated()
    names = [name for own in layers.values() for name in own]
    chain = Chain(TreeRules, 4).fit(bits, target, names, CLASSES, layers)
    lost, copied = chain.links_
    assert (lost.rules, lost.balanced_agreement) == (0, 0.5)
    assert lost.agreement == lost.base_rate == pytest.approx(0.9)
    assert (copied.rules, copied.agreement) == (1, 1.0)


def test_a_layer_of_which_the_one_below_tells_nothing_is_refused() -> None:
    bits, target, _ = unrelated()
    layers = {"conv1": ("conv1_c0", "conv1_c1"), "conv2": ("conv2_c0",)}
    names = [name for own in layers.values() for name in own]
    with pytest.raises(BadOption, match=r"layer of conv2_c0 .* from the layer of conv1_c0"):
        Chain().fit(bits[:, :3], (target > 0).astype(np.int64), names, CLASSES, layers)


def test_layers_that_make_no_chain_are_refused() -> None:
    bits, target = planted(np.random.default_rng(8))
    chain = Chain()
    with pytest.raises(BadOption, match="at least two layers, and there is conv1"):
        chain.fit(bits[:, :9], target, NAMES[:9], CLASSES, {"conv1": LAYERS["conv1"]})
    with pytest.raises(BadOption, match="layer conv2 has no proposition"):
        empty = {"conv1": LAYERS["conv1"], "conv2": (), "conv3": LAYERS["conv3"]}
        keep = [k for k, name in enumerate(NAMES) if "conv2" not in name]
        chain.fit(bits[:, keep], target, [NAMES[k] for k in keep], CLASSES, empty)
    with pytest.raises(BadOption, match="conv1_c0 stands in 2 of the layers"):
        twice = {**LAYERS, "conv2": (*LAYERS["conv2"], "conv1_c0")}
        chain.fit(bits, target, NAMES, CLASSES, twice)
    with pytest.raises(BadOption, match="conv1_c8 stands in 0 of the layers"):
        chain.fit(bits, target, NAMES, CLASSES, {**LAYERS, "conv1": LAYERS["conv1"][:-1]})
    with pytest.raises(BadOption, match="conv9_c1 of layer conv2 is no column"):
        chain.fit(bits, target, NAMES, CLASSES, {**LAYERS, "conv2": ("conv9_c1",)})
    chain.fit(bits, target, NAMES, CLASSES, LAYERS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"leaves": 1}, "leaves is a whole number of at least 2, not 1"),
        ({"mode": "loyal"}, "faithful, refit, not 'loy"),
    ],
)
def test_options_out_of_their_range_are_refused(options: dict[str, object], words: str) -> None:
    bits, target = planted(np.random.default_rng(9))
    with pytest.raises(BadOption, match=words):
        Chain(**options).fit(bits, target, NAMES, CLASSES, LAYERS)  # type: ignore[arg-type]  # the point


def test_a_program_is_entered_only_where_rules_decide_all_above() -> None:
    plain = Program(
        (Rule("r1", ClassHead("street"), (Literal("conv3_c0"), Literal("conv1_c0"))),), CLASSES
    )
    assert entry_layers(plain, LAYERS) == ("conv3",)
    assert observed_at("conv3", plain, LAYERS) == NAMES
    with pytest.raises(BadOption, match=r"cannot be entered at conv2: .* of conv3"):
        observed_at("conv2", plain, LAYERS)
    derived = Rule("d1", DerivedHead("conv3_c0"), (Literal("conv2_c0"),))
    chained = Program((*plain.rules, derived), CLASSES)
    assert entry_layers(chained, LAYERS) == ("conv3", "conv2")
    assert observed_at("conv2", chained, LAYERS) == (*LAYERS["conv1"], *LAYERS["conv2"])
    with pytest.raises(UnknownLayer, match="conv3"):
        observed_at("convv3", chained, LAYERS)


def test_a_layer_whose_propositions_nothing_uses_may_be_stepped_over() -> None:
    program = Program(
        (
            Rule("r1", ClassHead("street"), (Literal("conv3_c0"),)),
            Rule("d1", DerivedHead("conv3_c0"), (Literal("conv1_c0"),)),
        ),
        CLASSES,
    )
    assert entry_layers(program, LAYERS) == ("conv3", "conv2", "conv1")
