from __future__ import annotations

from typing import Self

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.errors import BadOption, BadRevision, BadTensor, UnknownLayer
from proofsight_server.symbols.check import check_quantiser
from proofsight_server.symbols.feature import Cell, Feature, Floats, Ints, Layer, Proposition
from proofsight_server.symbols.quantisation import Quantisation, proposition_names
from proofsight_server.symbols.quantiser import Quantiser
from proofsight_server.symbols.threshold import THRESHOLDERS, MeanThreshold
from tests.strategies import random_generators

LAYERS = (
    Layer("conv2", "a", "conv", 8, "b"),
    Layer("conv1", "c", "conv", 8, "d"),  # deeper, whatever its name says
    Layer("fc1", "e", "linear", 8, "e"),
)


def channels(count: int, layer: str = "conv2") -> list[Feature]:
    return [Feature(layer, k) for k in range(count)]


def table(*columns: list[float]) -> Floats:
    return np.array(columns, dtype=np.float32).T


@settings(max_examples=60, deadline=None)
@given(rng=random_generators(), threshold=st.sampled_from(sorted(THRESHOLDERS)))
def test_every_dropped_column_is_constant_equal_or_complementary(
    rng: np.random.Generator, threshold: str
) -> None:
    features = channels(8)
    values = rng.integers(0, 3, (int(rng.integers(3, 7)), 8)).astype(np.float32)
    target = rng.integers(0, 2, len(values))
    cuts = THRESHOLDERS[threshold]().fit(values, target).thresholds_
    bits = {f.name("conv"): tuple(c) for f, c in zip(features, (values > cuts).T, strict=True)}
    constant = [name for name, column in bits.items() if len(set(column)) == 1]
    stays: list[str] = []
    merged: list[tuple[str, str, bool]] = []
    for name in [name for name in bits if name not in constant]:
        for other in stays:
            if bits[name] == bits[other]:
                merged.append((name, other, True))
                break
            if all(a != b for a, b in zip(bits[name], bits[other], strict=True)):
                merged.append((name, other, False))
                break
        else:
            stays.append(name)
    if not stays:
        with pytest.raises(BadOption, match="none of the 8 features"):
            Quantiser(threshold).fit(values, target, features, LAYERS)
        return
    fitted = Quantiser(threshold).fit(values, target, features, LAYERS).quantisation_
    assert list(fitted.names) == stays
    assert list(fitted.aliases) == merged
    assert list(fitted.dropped) == constant
    kept = values[:, [f.index for f in fitted.features]]
    assert [tuple(column) for column in fitted.bits(kept).T] == [bits[name] for name in stays]
    assert fitted.rates == pytest.approx([np.mean(bits[name]) for name in stays])


def test_the_order_of_the_columns_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    features = [
        *channels(3),
        Feature("conv1", 0),
        Feature("conv1", 0, "max"),
        Feature("conv1", 0, "l1", Cell((2, 2), (1, 0))),
        Feature("fc1", 2, "value"),
    ]
    values = rng.random((50, len(features)), np.float32)
    fitted = Quantiser().fit(values, None, features, LAYERS).quantisation_
    assert fitted.names == (
        "conv2_c0",
        "conv2_c1",
        "conv2_c2",
        "conv1_c0",
        "conv1_c0_max",
        "conv1_c0_g2_r1c0",
        "fc1_u2",
    )
    order = rng.permutation(len(features))
    shuffled = [features[k] for k in order]
    again = Quantiser().fit(values[:, order], None, shuffled, LAYERS).quantisation_
    assert again == fitted


def test_names_leave_the_default_reduction_unsaid() -> None:
    features = [Feature("conv2", 0, "l2"), Feature("conv2", 0, "l1")]
    values = np.random.default_rng(0).random((9, 2), np.float32)
    fitted = Quantiser(default_reduction="l2").fit(values, None, features, LAYERS).quantisation_
    assert fitted.names == ("conv2_c0_l1", "conv2_c0")


def test_a_second_threshold_of_a_feature_is_named_t2() -> None:
    features = [Feature("conv2", 3)] * 3 + [Feature("fc1", 3, "value")]
    names = proposition_names(features, LAYERS)
    assert names == ("conv2_c3", "conv2_c3_t2", "conv2_c3_t3", "fc1_u3")


def test_two_layers_whose_features_would_share_a_name_are_refused() -> None:
    clash = [Layer("m", "m", "conv", 9, "m"), Layer("m_c1_g2", "n", "conv", 9, "n")]
    apart = Feature("m", 1, "l1", Cell((2, 2), (0, 1)))
    assert len(proposition_names([apart, Feature("m_c1_g2", 1)], clash)) == 2
    shadow = [Layer("m", "m", "conv", 9, "m"), Layer("m_c1", "n", "conv", 9, "n")]
    both = [Feature("m", 1), Feature("m_c1", 2)]
    assert proposition_names(both, shadow) == ("m_c1", "m_c1_c2")
    same = [Layer("m", "m", "conv", 9, "m"), Layer("m", "n", "linear", 9, "n")]
    with pytest.raises(BadOption, match="both be named"):
        proposition_names([Feature("m", 1, "value"), Feature("m", 1, "l1")], same)


def test_a_value_at_its_threshold_is_inactive_and_the_next_float_is_active() -> None:
    values = np.random.default_rng(1).random((30, 5), np.float32)
    for name in THRESHOLDERS:
        target = np.arange(30) % 3
        fitted = Quantiser(name).fit(values, target, channels(5), LAYERS).quantisation_
        at = fitted.thresholds[None]
        assert not fitted.bits(at).any()
        assert fitted.bits(np.nextafter(at, np.float32(9))).all()


def test_thresholds_and_scales_are_those_of_the_training_images() -> None:
    fitted = Quantiser().fit(table([0, 1, 2, 5]), None, channels(1), LAYERS).quantisation_
    assert fitted.propositions == (Proposition("conv2_c0", "conv2", Feature("conv2", 0), 2.0),)
    assert fitted.scales == pytest.approx([np.sqrt(3.5)])
    assert fitted.rates == (0.25,)


def test_margins_are_in_training_deviations_and_near_ties_are_told() -> None:
    known = Quantisation(
        LAYERS,
        tuple(Proposition(f"p{k}", "conv2", Feature("conv2", k), 1.0) for k in range(2)),
        scales=(2.0, 0.0),
    )
    values = np.array([[2, 2], [1.0001, 1], [0, 1]], dtype=np.float32)
    assert known.margins(values) == pytest.approx(
        np.array([[0.5, 0], [5e-5, 0], [-0.5, 0]]), rel=1e-2
    )
    assert known.near_ties(values).tolist() == [[False, True], [True, True], [False, True]]
    with pytest.raises(BadRevision, match="deviations"):
        Quantisation(LAYERS, known.propositions).margins(values)


def test_propositions_that_are_never_observed_have_no_column() -> None:
    seen = Proposition("p", "conv2", Feature("conv2", 0), 0.5)
    known = Quantisation(LAYERS, (seen, Proposition("q", "fc1", None, None)))
    assert known.names == ("p",) and known.features == (Feature("conv2", 0),)
    assert known.bits(np.ones((3, 1), np.float32)).tolist() == [[True]] * 3
    with pytest.raises(BadTensor, match="1 observable"):
        known.bits(np.ones((3, 2), np.float32))
    with pytest.raises(BadTensor, match="float64"):
        known.bits(np.ones((3, 1)))  # type: ignore[arg-type]  # the point


def test_options_reach_the_threshold_and_unknown_ones_are_refused() -> None:
    values = table([0, 1, 2, 3, 4])
    low = Quantiser("quantile", q=0.2).fit(values, None, channels(1), LAYERS).quantisation_
    assert low.thresholds.tolist() == [0]
    with pytest.raises(BadOption, match="does not take alpha"):
        Quantiser("quantile", alpha=1).fit(values, None, channels(1), LAYERS)
    with pytest.raises(BadOption, match="'median'"):
        Quantiser("median").fit(values, None, channels(1), LAYERS)
    with pytest.raises(BadOption, match="MeanThreshold itself"):
        Quantiser(MeanThreshold(), q=1).fit(values, None, channels(1), LAYERS)


def test_features_that_do_not_fit_the_values_are_refused() -> None:
    values = np.random.default_rng(0).random((9, 2), np.float32)
    Quantiser().fit(values, None, channels(2), LAYERS)
    with pytest.raises(BadTensor, match="3 features"):
        Quantiser().fit(values, None, channels(3), LAYERS)
    with pytest.raises(BadOption, match="given twice"):
        Quantiser().fit(values, None, [Feature("conv2", 0)] * 2, LAYERS)
    with pytest.raises(BadOption, match="conv9"):
        Quantiser().fit(values, None, channels(2, "conv9"), LAYERS)
    with pytest.raises(BadTensor, match=r"\(9,\)"):
        Quantiser().fit(values, np.zeros(8, np.int64), channels(2), LAYERS)


class Halfway:
    """A thresholder of a user's own."""

    thresholds_: Floats

    def fit(self, values: Floats, target: Ints | None = None) -> Self:
        self.thresholds_ = ((values.min(axis=0) + values.max(axis=0)) / 2).astype(np.float32)
        return self


class Doubles(Halfway):
    """Forgets to round."""

    def fit(self, values: Floats, target: Ints | None = None) -> Self:
        super().fit(values)
        self.thresholds_ = self.thresholds_.astype(np.float64)
        return self


class Hasty(Quantiser):
    """Learns from the order of its columns, and remembers earlier fits."""

    def fit(self, values, target, features, layers):  # type: ignore[no-untyped-def]  # brief
        super().fit(values, target, features, layers)
        if hasattr(self, "seen"):
            features = features[::-1]
        self.seen = True
        names = proposition_names(features, layers)
        self.quantisation_ = Quantisation(
            layers,
            tuple(Proposition(n, f.layer, f, 0.1) for n, f in zip(names, features, strict=True)),
        )


@pytest.mark.parametrize("name", sorted(THRESHOLDERS))
def test_our_quantisers_pass_the_conformance_check(name: str) -> None:
    check_quantiser(lambda: Quantiser(name))


def test_a_thresholder_of_ones_own_can_be_certified() -> None:
    check_quantiser(lambda: Quantiser(Halfway()))
    with pytest.raises(BadTensor, match="float64"):
        check_quantiser(lambda: Quantiser(Doubles()))


def test_a_quantiser_that_breaks_promises_is_told_which() -> None:
    with pytest.raises(AssertionError) as error:
        check_quantiser(Hasty)
    for promise in ("forgets", "order of the columns", "float32", "constant", "scales"):
        assert promise in str(error.value)
    assert "fit returns the estimator" in str(error.value)
    assert "names are unique" not in str(error.value)


def test_a_layer_goes_by_its_atom_or_path_and_the_nearest_of_both_are_told() -> None:
    layers = (
        Layer("conv2", "features.3", "conv", 8, "features.5"),
        Layer("conv3", "features.7", "conv", 8, "features.9"),
        Layer("fc1", "head", "linear", 8, "head"),
    )
    known = Quantisation(
        layers,
        tuple(
            Proposition(f"{atom}_c0", atom, Feature(atom, 0), 0.5) for atom in ("conv2", "conv3")
        ),
    )
    for name in ("conv3", "features.7"):
        assert known.layer_of(name) == "conv3"
    with pytest.raises(UnknownLayer, match=r"nearest: features\.7, features\.3"):
        known.layer_of("features.77")
    with pytest.raises(UnknownLayer, match="nearest: conv2, conv3"):
        known.layer_of("convv2")
    with pytest.raises(UnknownLayer, match="no layer named 'fc1'"):
        known.layer_of("fc1")  # nothing reads it
