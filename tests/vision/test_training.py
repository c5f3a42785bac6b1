"""Training: it learns, it is deterministic, and it chooses on validation images only."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from proofsight_server.errors import BadDataset, BadModel, BadOption, UnknownLayer
from proofsight_server.vision.dataset import Dataset, Split, open_dataset
from proofsight_server.vision.fitting import Batches, Epoch, FitOptions, fit, judge, warped
from proofsight_server.vision.network import Network, load_network, save_weights
from proofsight_server.vision.preprocessing import Preprocessing
from proofsight_server.vision.preprocessing_options import PreprocessingOptions
from proofsight_server.vision.training import TrainOptions, train
from tests.vision.networks import batch, network

TINY: dict[str, Any] = {"widths": [[8], [16]]}
QUICK = TrainOptions(epochs=3, jitter=0.0)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return open_dataset("digits")


@pytest.fixture(scope="module")
def few(digits: Dataset) -> Dataset:
    """A tenth of the digits."""
    return replace(
        digits,
        train=digits.train.take(np.arange(0, 1200, 10)),
        validation=digits.validation.take(np.arange(0, 130, 2)),
        test=digits.test.take(np.arange(0, 450, 9)),
    )


def weights(net: Network) -> dict[str, torch.Tensor]:
    return dict(net.module.state_dict())


def equal(one: Network, other: Network) -> bool:
    return all(torch.equal(weights(one)[name], weights(other)[name]) for name in weights(one))


def test_a_few_epochs_of_digits_are_learnt(digits: Dataset) -> None:
    seen: list[Epoch] = []
    steps: list[tuple[int, int]] = []
    net, report = train(
        digits,
        "small-cnn",
        TrainOptions(epochs=6, jitter=0.0),
        lambda *step: steps.append(step),
        seen.append,
        model_options={"widths": [[16], [64]]},
    )
    assert report.test_accuracy > 0.9
    assert tuple(seen) == report.epochs and [epoch.number for epoch in seen] == [1, 2, 3, 4, 5, 6]
    assert steps[-1] == (114, 114) and [done for done, _ in steps] == list(range(1, 115))
    assert net.classes == digits.classes and net.input_shape == (1, 8, 8)
    assert not net.module.training
    assert json.loads(json.dumps(report.to_json()))["test_accuracy"] == report.test_accuracy


def test_the_best_epoch_on_validation_images_is_kept(few: Dataset) -> None:
    net, report = train(few, "small-cnn", QUICK, model_options=TINY)
    kept = judge(net.module, Batches(net, few.validation))
    best = max(report.epochs, key=lambda e: (e.validation_accuracy, -e.validation_loss))
    assert report.best_epoch == best.number
    assert kept == pytest.approx((best.validation_loss, best.validation_accuracy), abs=1e-6)
    assert report.validation_accuracy == kept[1]


def test_a_seed_decides_everything_and_torch_s_generator_is_left_alone(few: Dataset) -> None:
    options = replace(QUICK, jitter=1.0, elite=2, elite_epochs=1)
    before = torch.random.get_rng_state()
    one, _ = train(few, "small-cnn", options, model_options=TINY)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(7)
    same, _ = train(few, "small-cnn", options, model_options=TINY)
    other, _ = train(few, "small-cnn", replace(options, seed=1), model_options=TINY)
    assert equal(one, same)
    assert not equal(one, other)


def test_test_images_change_nothing_but_the_test_accuracy(few: Dataset) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 1), dtype=np.uint8)
    other = replace(few, test=Split(noise, np.arange(10), tuple(map(str, range(10)))))
    options = replace(QUICK, elite=2, elite_epochs=1)
    one, report = train(few, "small-cnn", options, model_options=TINY)
    two, changed = train(other, "small-cnn", options, model_options=TINY)
    assert equal(one, two)
    assert report.epochs == changed.epochs
    assert report.test_accuracy != changed.test_accuracy


def test_training_ends_early_when_validation_no_longer_improves(few: Dataset) -> None:
    options = TrainOptions(epochs=20, patience=1, learning_rate=1e-9, jitter=0.0)
    _, report = train(few, "small-cnn", replace(options, learning_rate=0.3), model_options=TINY)
    assert len(report.epochs) < 20
    assert report.epochs[-1].number == report.best_epoch + 1


def test_an_interrupt_passes_through_and_leaves_no_trace(few: Dataset) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    before = torch.random.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        train(few, "small-cnn", QUICK, stop, model_options=TINY)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_an_interrupted_module_is_in_eval_mode(few: Dataset) -> None:
    net, _ = train(few, "small-cnn", QUICK, model_options=TINY)
    net.module.requires_grad_(True)
    images = Batches(net, few.train)

    def objective(x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        assert net.module.training
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(
            net.module,
            images,
            images,
            objective,
            FitOptions(1),
            generator=torch.Generator(),
            phase="train",
        )
    assert not net.module.training


def test_elite_backprop_follows_and_its_weights_are_kept(few: Dataset, tmp_path: Path) -> None:
    options = replace(QUICK, elite=2, elite_lambda=1.0, elite_epochs=2)
    steps: list[tuple[int, int]] = []
    net, report = train(
        few, "small-cnn", options, lambda *step: steps.append(step), model_options=TINY
    )
    assert report.elite is not None
    assert report.elite.layer == "conv2" and report.elite.k == 2
    assert len(report.elite.epochs) == 2
    assert report.tensors["elite_weights"].shape == (10, 16)
    assert [done for done, _ in steps] == list(range(1, 11)) and {of for _, of in steps} == {10}
    path = tmp_path / "w.safetensors"
    save_weights(path, net, training=report.to_json(), annexes=report.tensors)
    assert equal(load_network(path), net)


def test_the_elite_may_be_made_at_another_layer(few: Dataset) -> None:
    options = replace(QUICK, elite=2, elite_epochs=1, elite_layer="features.0")
    _, report = train(few, "small-cnn", options, model_options=TINY)
    assert report.elite is not None and report.elite.layer == "conv1"
    began: list[int] = []
    with pytest.raises(UnknownLayer):
        train(
            few,
            "small-cnn",
            replace(options, elite_layer="features.99"),
            lambda done, of: began.append(done),
            model_options=TINY,
        )
    assert not began


def test_a_model_of_torchvision_is_trained_on_grey_digits(few: Dataset) -> None:
    options = TrainOptions(epochs=1, jitter=0.0, batch=32)
    net, _ = train(
        few, "torchvision:squeezenet1_1", options, preprocessing=PreprocessingOptions(size=32)
    )
    assert net.input_shape == (3, 32, 32)
    assert net.preprocessing == Preprocessing("RGB", size=32)


def test_files_of_different_sizes_are_trained_on_with_a_size(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for label in ("dark", "light"):
        (tmp_path / label).mkdir()
        for number in range(12):
            height, width = generator.integers(9, 20, 2)
            pixels = generator.integers(0, 60, (height, width, 3)) + (
                150 if label == "light" else 0
            )
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / label / f"{number}.png")
    data = open_dataset(f"folder:{tmp_path}")
    net, report = train(
        data,
        "small-cnn",
        TrainOptions(epochs=8, batch=4),
        preprocessing=PreprocessingOptions(size=8),
        model_options={"widths": [[4], [8]]},
    )
    assert report.test_accuracy == 1
    assert net.input_shape == (3, 8, 8)


def test_a_data_set_without_labels_cannot_be_trained_on(tmp_path: Path) -> None:
    for number in range(8):
        Image.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
    data = open_dataset(f"images:{tmp_path}", labelled=False)
    with pytest.raises(BadDataset, match="training needs them"):
        train(data, "small-cnn")


def test_a_factory_that_ignores_the_number_of_classes_is_refused(few: Dataset) -> None:
    model = "tests.vision.networks:Residual"
    with pytest.raises(BadModel, match="gives 3 logits, but the data have 10 classes"):
        train(few, model, QUICK, allow=frozenset({model}))


def test_the_number_of_epochs_follows_the_number_of_images() -> None:
    options = TrainOptions()
    epochs = [options.fitting(images).epochs for images in (100, 1_200, 20_000, 54_000)]
    assert epochs == sorted(epochs, reverse=True) and epochs[0] <= 30 and epochs[-1] >= 3
    assert TrainOptions(epochs=7).fitting(100).epochs == 7
    assert TrainOptions(elite=5, elite_epochs=2).elite_fitting(100).epochs == 2


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"epochs": 0}, {"epochs": 1}),
        ({"batch": 0}, {"batch": 1}),
        ({"patience": 0}, {"patience": None}),
        ({"learning_rate": 0.0}, {"learning_rate": 1e-9}),
        ({"learning_rate": float("nan")}, {"learning_rate": 1.0}),
        ({"weight_decay": -1.0}, {"weight_decay": 0.0}),
        ({"jitter": -1.0}, {"jitter": 0.0}),
        ({"seed": -1}, {"seed": 0}),
        ({"elite": 0}, {"elite": 1}),
        ({"elite": 1, "elite_lambda": -1.0}, {"elite": 1, "elite_lambda": 0.0}),
        ({"elite_epochs": 0}, {"elite_epochs": 1}),
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any], right: dict[str, Any]) -> None:
    TrainOptions(**right)
    with pytest.raises(BadOption):
        TrainOptions(**wrong)


def test_k_as_large_as_the_layer_is_refused(few: Dataset) -> None:
    with pytest.raises(BadOption, match="K is 16, but the layer has 16 channels"):
        train(few, "small-cnn", replace(QUICK, epochs=1, elite=16), model_options=TINY)


def test_a_warp_of_no_strength_is_none_and_others_follow_their_generator() -> None:
    images = batch(4, (3, 9, 9))
    assert warped(images, 0, torch.Generator()) is images
    one, same, other = (warped(images, 1, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert one.shape == images.shape
    assert torch.equal(one, same) and not torch.equal(one, other)
    flat = torch.full((2, 1, 8, 8), 0.7)
    assert torch.allclose(warped(flat, 1, torch.Generator()), flat)


def test_batches_give_files_and_arrays_alike(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype=np.uint8)
    for place, image in enumerate(pixels):
        folder = tmp_path / ("even" if place % 2 == 0 else "odd")
        folder.mkdir(exist_ok=True)
        Image.fromarray(image[..., 0]).save(folder / f"{place}.png")
    net = network(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2)), classes=2)
    files = open_dataset(f"folder:{tmp_path}").train
    order = [int(Path(name).stem) for name in files.ids]
    arrays = Split(pixels[order], files.labels, files.ids)
    chosen = torch.tensor([2, 0, 1])
    for one, other in zip(
        Batches(net, files).at(chosen), Batches(net, arrays).at(chosen), strict=True
    ):
        assert torch.equal(one, other)


def test_training_leaves_the_weights_in_the_usual_layout(few: Dataset) -> None:
    net, _ = train(few, "small-cnn", replace(QUICK, epochs=1), model_options=TINY)
    assert all(parameter.is_contiguous() for parameter in net.module.parameters())


def test_elite_backprop_alone_is_done_to_a_network_that_is_given(few: Dataset) -> None:
    base, _ = train(few, "small-cnn", QUICK, model_options=TINY)
    before = {name: weight.clone() for name, weight in base.module.state_dict().items()}
    seen: list[Epoch] = []
    network_, report = train(
        few, "small-cnn", replace(QUICK, elite=4), on_epoch=seen.append, start=base
    )
    assert {epoch.phase for epoch in seen} == {"elite"}
    assert report.epochs == () and report.best_epoch == 0
    assert report.elite is not None
    assert network_ is base
    # the head comes after the layer and is not trained
    after = base.module.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert "features.0.weight" in changed and "head.weight" not in changed


def test_training_goes_on_from_weights_without_elite_backprop(few: Dataset) -> None:
    base, first = train(few, "small-cnn", QUICK, model_options=TINY)
    _, second = train(few, "small-cnn", QUICK, start=base)
    assert second.epochs[0].loss < first.epochs[0].loss


def test_weights_for_other_classes_are_refused(few: Dataset) -> None:
    base, _ = train(few, "small-cnn", QUICK, model_options=TINY)
    with pytest.raises(BadDataset, match="the weights are for the classes digit_0"):
        train(replace(few, classes=tuple("abcdefghij")), "small-cnn", QUICK, start=base)


def test_weights_load_when_the_default_sizes_have_changed(
    few: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, _ = train(few, "small-cnn", replace(QUICK, epochs=1))
    save_weights(tmp_path / "w.safetensors", trained, training={})
    monkeypatch.setattr(
        "proofsight_server.vision.model.widths_for", lambda height, width: ((4,), (4,))
    )
    again = load_network(tmp_path / "w.safetensors")
    images = torch.rand(3, *again.input_shape)
    assert torch.equal(again.module(images), trained.module(images))
