"""Extraction: certified against a linear program, and what holds for every table."""

from __future__ import annotations

import numpy as np
import pytest

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.interactions import Interactions, extract, from_effects
from proofsight_server.interactions.masks import Doubles, orders
from proofsight_server.interactions.primitive import effects_of, salient
from proofsight_server.interactions.sharing import agreement
from tests.interactions.slow_effects import least_loss, slow_loss


def network_like(regions: int, networks: int, seed: int = 0) -> Doubles:
    """Scores of small random ReLU networks, with a span of 5 and a bias."""
    rng = np.random.default_rng(seed)
    masks = (np.arange(1 << regions)[:, None] >> np.arange(regions)) & 1
    inner = rng.normal(size=(networks, regions, 12))
    hidden = np.maximum(masks @ inner + rng.normal(size=(networks, 1, 12)), 0)
    v = np.einsum("nmh,nh->nm", hidden, rng.normal(size=(networks, 12)))
    v -= v[:, :1]
    tables: Doubles = 5 * v / np.abs(v[:, -1:]) - 1.5
    return tables


def planted(regions: int, networks: int, seed: int, noise: float = 0.0) -> tuple[Doubles, set[int]]:
    """Tables of ten primitives of orders 2 to 4, and their places."""
    rng = np.random.default_rng(seed)
    middling = np.flatnonzero((orders(regions) >= 2) & (orders(regions) <= 4))
    places = rng.choice(np.concatenate([middling, middling + (1 << regions)]), 10, replace=False)
    effects = np.zeros((networks, 2 << regions))
    signs = rng.choice([-1, 1], (networks, 10))
    effects[:, places] = signs * rng.uniform(1, 2, (networks, 10))
    v = from_effects(effects[:, : 1 << regions], effects[:, 1 << regions :])
    noisy = v + noise * np.abs(v[:, -1:]) * rng.normal(size=v.shape)
    return noisy, {int(place) for place in places}


def reconstructed(found: Interactions) -> Doubles:
    return from_effects(found.and_effects, found.or_effects) + found.bias + found.residual


@pytest.mark.parametrize("networks", [1, 2, 3])
@pytest.mark.parametrize("box", [0.0, 0.05])
@pytest.mark.parametrize(("name", "alpha"), [("mix", 0.1), ("additive", 0.3), ("mix", 1.0)])
def test_the_loss_is_within_its_gap_of_the_linear_program(
    networks: int, box: float, name: str, alpha: float
) -> None:
    v = network_like(4, networks, networks)
    found = extract(v, objective=name, alpha=alpha, box=box, gap=1e-3)
    weights = (1 - alpha, alpha) if name == "mix" else (1.0, alpha)
    normalised = (v - v[:, :1]) / found.scales[:, None]
    least = least_loss(normalised, box * np.abs(normalised[:, -1]), *weights)
    assert found.gap <= 1e-3
    assert least * (1 - 1e-9) <= found.value <= least * (1 + 1.1e-3)
    lower = found.value * (1 - found.gap)
    assert lower <= least * (1 + 1e-9)
    told = slow_loss(found.and_effects, found.or_effects, found.scales, *weights)
    assert np.isclose(told, found.value)


@pytest.mark.parametrize("regions", [1, 2, 7])
@pytest.mark.parametrize("box", [0.0, 0.02])
def test_effects_bias_and_residual_add_up_to_the_tables(regions: int, box: float) -> None:
    v = network_like(regions, 2)
    found = extract(v, box=box, gap=1e-2)
    assert np.allclose(reconstructed(found), v, rtol=0, atol=1e-9 * np.abs(v).max())
    allowed = box * np.abs(v[:, -1:] - v[:, :1]) + 1e-9
    assert (np.abs(found.residual) <= allowed).all()
    assert np.abs(found.residual[:, 0]).max() < 1e-12
    assert not found.and_effects[:, 0].any()
    assert not found.or_effects[:, 0].any()
    assert not found.or_effects[:, orders(regions) == 1].any()


def test_one_table_is_one_row() -> None:
    v = network_like(5, 1)
    single, row = extract(v[0]), extract(v)
    assert single.and_effects.shape == single.residual.shape == (32,)
    assert single.bias.shape == ()
    assert np.array_equal(single.and_effects, row.and_effects[0])
    assert np.allclose(reconstructed(single), v[0], atol=1e-9)


def test_alpha_one_of_mix_is_each_network_apart() -> None:
    v = network_like(5, 2)
    joint = extract(v, alpha=1.0, gap=1e-4)
    apart = [extract(row, gap=1e-4).value for row in v]
    assert np.isclose(joint.value, sum(apart), rtol=2e-4)


@pytest.mark.parametrize(("name", "factor"), [("mix", 1.1), ("additive", 1.2)])
def test_a_network_given_twice_shares_everything(name: str, factor: float) -> None:
    v = network_like(5, 1)
    alone = extract(v, alpha=1.0, box=0, gap=1e-4)
    twice = extract(np.repeat(v, 2, axis=0), objective=name, box=0, gap=1e-4)
    assert np.isclose(twice.value, factor * alone.value, rtol=2e-4)
    assert np.allclose(twice.and_effects[0], twice.and_effects[1])
    assert np.allclose(twice.or_effects[0], twice.or_effects[1])


def test_order_of_networks_and_unit_and_constants_of_scores_do_not_matter() -> None:
    v = network_like(5, 3)
    plain = extract(v, box=0)
    turned = extract(v[[2, 0, 1]], box=0)
    assert np.allclose(turned.and_effects, plain.and_effects[[2, 0, 1]])
    scaled = extract(4 * v, box=0)
    assert np.allclose(scaled.or_effects, 4 * plain.or_effects)
    moved = extract(v + 7, box=0)
    assert np.allclose(moved.and_effects, plain.and_effects)
    assert np.allclose(moved.bias, plain.bias + 7)


@pytest.mark.parametrize("networks", [1, 2])
def test_planted_primitives_are_found(networks: int) -> None:
    v, places = planted(8, networks, networks)
    for effects in effects_of(extract(v, box=0)):
        assert {int(place) for place in salient(effects)} == places


def test_the_box_takes_noise_up() -> None:
    v, places = planted(7, 1, 3, noise=0.007)
    f1 = []
    for box in (0.0, 0.02):
        found = {int(place) for place in salient(effects_of(extract(v, box=box, gap=1e-2))[0])}
        f1.append(2 * len(found & places) / (len(found) + len(places)))
    assert f1[1] > f1[0]
    assert f1[1] >= 0.9


def test_an_additive_table_has_single_regions_only() -> None:
    v = ((np.arange(64)[:, None] >> np.arange(6)) & 1) @ np.array([1.0, -2, 3, 0.5, 4, -1])
    found = extract(v, box=0)
    single = orders(6) == 1
    assert np.allclose(found.and_effects[single], [1, -2, 3, 0.5, 4, -1], atol=1e-4)
    assert np.abs(found.and_effects[~single]).max() < 1e-4
    assert np.abs(found.or_effects).max() < 1e-4


def test_the_example_of_the_paper_costs_no_more_than_its_and_or_form() -> None:
    x = (np.arange(32)[:, None] >> np.arange(5)) & 1
    v = (
        x[:, 0] * x[:, 1] * x[:, 2]
        + x[:, 1] * x[:, 2]
        + x[:, 2] * x[:, 3]
        + np.maximum(x[:, 3], x[:, 4])
    )
    found = extract(v, box=0, gap=1e-6)
    assert found.value * float(found.scales[0]) <= 4 * (1 + 1e-6)


@pytest.mark.parametrize("box", [0.0, 0.02])
def test_random_starts_end_at_the_same_primitives(box: float) -> None:
    v = network_like(6, 2)
    one = extract(v, box=box)
    other = extract(v, box=box, rng=np.random.default_rng(1))
    assert max(one.gap, other.gap) <= 1e-3
    assert min(agreement(one, other, top=60)) >= 59 / 60
    for mine, theirs in zip(effects_of(one), effects_of(other), strict=True):
        assert np.abs(mine - theirs).max() <= 5e-3 * np.abs(mine).max()


def test_effects_settle_in_the_last_steps_where_the_gap_takes_long() -> None:
    v = network_like(6, 2)
    v[:, -1] = v[:, 0] + 1.2  # a small span, and with it a small box
    one = extract(v, max_steps=1300)
    other = extract(v, max_steps=1300, rng=np.random.default_rng(1))
    assert one.steps == other.steps == 1300
    assert max(one.gap, other.gap) <= 1e-3
    for mine, theirs in zip(effects_of(one), effects_of(other), strict=True):
        assert np.abs(mine - theirs).max() <= 1e-3 * np.abs(mine).max()


def test_effects_within_the_gap_that_had_no_steps_left_to_settle_are_noted() -> None:
    found = extract(network_like(6, 2), gap=1e-2, max_steps=300)
    assert found.gap <= 1e-2
    assert "before effects had settled" in found.notes[0]


def test_a_small_span_is_noted_and_so_is_a_gap_that_is_not_reached() -> None:
    v = network_like(5, 2)
    v[1] = (v[1] - v[1, 0]) / 10 + v[1, 0]
    found = extract(v, max_steps=1)
    assert "table 2 moves by 0.5 only" in found.notes[0]
    assert np.isclose(found.scales[1], np.sqrt(np.mean((v[1] - v[1, 0]) ** 2)))
    assert "stopped after" in found.notes[1]
    assert np.isclose(extract(v * 1e-300).value, extract(v * 1e-12).value)
    assert extract(network_like(5, 2)).notes == ()


def test_log_odds_of_clipped_probabilities_are_refused_and_others_are_not() -> None:
    free = 6 * network_like(6, 1)[0]
    clipped = np.clip(free, -1000, np.sort(free)[-12])
    assert clipped.max() > 9
    with pytest.raises(BadTensor, match="12 of 64 masks: it saturates"):
        extract(clipped)
    assert extract(free, max_steps=25).regions == 6
    for cap in (16.118, 16.1):  # log-odds of 1e-7, at both ends
        with pytest.raises(BadTensor, match="it saturates"):
            extract(np.clip(20 * free, -cap, cap))
    sparse = np.zeros(64)
    sparse[[7, 11, 28, 37, 50]] = 1.1, 2.3, 1.7, 2.9, 1.3
    for bias in (0, 20):  # most masks have the least of the ANDs' sums, the greatest of the ORs'
        for table in (from_effects(sparse, 0 * sparse), from_effects(0 * sparse, 9 * sparse)):
            assert extract(table + bias, max_steps=25).regions == 6


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (np.ones((2, 7)), "7 entries"),
        (np.ones((2, 2, 8)), r"shape \(2, 2, 8\)"),
        (np.ones((0, 8)), r"shape \(0, 8\)"),
        (np.array([[0, 1, 2, np.nan]]), "table 1 has nan for mask 3"),
        (np.array([[0, 1, 2, 3], [5, 5, 5, 5.0]]), "table 2 has the score 5 for every mask"),
        (np.array(["a", "b"]), "real numbers"),
        ([[1.0, 2.0], [1.0]], "differ in length"),
        (np.zeros((1, 1 << 17)), "17 regions.*minutes"),
    ],
)
def test_tables_that_cannot_be_explained_are_refused(tables: object, told: str) -> None:
    with pytest.raises(BadTensor, match=told):
        extract(tables)  # type: ignore[arg-type]  # what a caller may hand in


@pytest.mark.parametrize("options", [{"box": -0.1}, {"box": 1.0}, {"gap": 0.0}, {"max_steps": 0}])
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(BadOption, match=next(iter(options))):
        extract(network_like(3, 1), **options)  # type: ignore[arg-type]  # floats for all


def test_options_at_the_ends_of_their_ranges_are_taken() -> None:
    assert extract(network_like(3, 1), box=0.99, gap=0.99, max_steps=1).steps <= 1
