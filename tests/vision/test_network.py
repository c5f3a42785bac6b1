"""Models by name, weights on disk, and what happens where flags and files disagree."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from proofsight_server.errors import BadModel, BadOption, BadWeights
from proofsight_server.vision.model import build_model, input_mode
from proofsight_server.vision.network import (
    Network,
    load_network,
    load_weights,
    save_weights,
    settle_shape,
)
from proofsight_server.vision.preprocessing import Preprocessing
from proofsight_server.vision.preprocessing_options import PreprocessingOptions
from proofsight_server.vision.small_cnn import SmallCNN, widths_for
from proofsight_server.vision.weights import fit, load_annexes
from tests.vision.networks import batch, network

RESNET = "examples.networks:resnet20"


def built(model: str, **options: Any) -> nn.Module:
    arguments: dict[str, Any] = {"classes": 4, "input_shape": (3, 32, 32), "options": {}} | options
    return build_model(model, **arguments)


def saved(path: Path, **changes: Any) -> Network:
    net = network(SmallCNN(1, 3, ((4,), (5,))))
    net = replace(net, model="small-cnn", model_options={"widths": [[4], [5]]}, **changes)
    save_weights(path, net, training={"data": "digits", "seed": 3})
    return net


# --- models -------------------------------------------------------------------


@pytest.mark.parametrize("side", [4, 5, 7, 8, 9, 16, 28, 32, 64, 100, 128, 224])
def test_small_cnn_fits_images_of_any_size(side: int) -> None:
    module = built("small-cnn", input_shape=(1, side, side + 3))
    with torch.inference_mode():
        assert module(torch.zeros(2, 1, side, side + 3)).shape == (2, 4)
    assert max(width for block in widths_for(side, side) for width in block) == 128


def test_an_image_too_small_for_small_cnn_is_refused() -> None:
    with pytest.raises(BadModel, match="4 x 4 at least"):
        built("small-cnn", input_shape=(1, 3, 9))


@pytest.mark.parametrize("widths", [[], [[]], [[4], []], [[0]], [[2000]], [["4"]]])
def test_widths_that_make_no_network_are_refused(widths: Any) -> None:
    built("small-cnn", options={"widths": [[4], [8]]})
    if widths:
        with pytest.raises(BadModel):
            built("small-cnn", options={"widths": widths})
    with pytest.raises(BadModel, match="no option 'depth'"):
        built("small-cnn", options={"depth": 3})


def test_the_same_seed_draws_the_same_weights_and_leaves_torch_s_generator_alone() -> None:
    before = torch.random.get_rng_state()
    one, same, other = (built("small-cnn", seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["features.0.weight"], other["features.0.weight"])


def test_a_model_of_torchvision_gets_the_number_of_classes() -> None:
    with torch.inference_mode():
        assert built("torchvision:squeezenet1_1")(torch.zeros(1, 3, 64, 64)).shape == (1, 4)


def test_an_unknown_model_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(BadModel, match=r"'resnet19'; nearest: .*resnet18"):
        built("torchvision:resnet19")
    with pytest.raises(BadModel, match="write small-cnn, torchvision:NAME or module:factory"):
        built("resnet18")


def test_a_factory_is_imported_only_if_allowed(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "mine.py").write_text(
        "from pathlib import Path\nfrom torch import nn\n"
        "Path('ran').touch()\n"
        "def net(classes):\n    return nn.Sequential(nn.Flatten(), nn.Linear(12, classes))\n"
        "def wide(width=1):\n    return nn.Linear(width, 4)\n"
        "def broken():\n    raise KeyError('x')\n"
        "def number():\n    return 3\n"
        "thing = 5\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadModel, match=r"mine:net is not allowed.*--allow-model mine:net"):
        built("mine:net", allow=frozenset({"mine:other"}))
    assert not Path("ran").exists()
    module = built("mine:net", allow=frozenset({"mine:net"}))
    assert Path("ran").exists()
    assert module(torch.zeros(1, 3, 2, 2)).shape == (1, 4)
    wide: Any = built("mine:wide", allow=frozenset({"mine:wide"}), options={"width": 7})
    assert wide.in_features == 7
    for model, says in (
        ("mine:nett", "no factory 'nett'; nearest: net"),
        ("mine:thing", "no factory 'thing'"),
        ("mine:broken", "cannot be built with the options"),
        ("mine:number", "returned a int"),
        ("nowhere:net", "cannot import 'nowhere'"),
    ):
        with pytest.raises(BadModel, match=says):
            built(model, allow=frozenset({model}))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_the_first_layer_says_which_images_a_network_takes(channels: int, mode: str) -> None:
    assert input_mode(nn.Sequential(nn.Conv2d(channels, 4, 3))) == mode


def test_a_first_layer_of_other_channels_is_refused() -> None:
    with pytest.raises(BadModel, match="takes 4 channels"):
        input_mode(nn.Sequential(nn.Conv2d(4, 4, 3)))


# --- weights ------------------------------------------------------------------


def test_a_saved_network_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    net = saved(path, preprocessing=Preprocessing("L", size=8, mean=(0.1,), std=(0.3,)))
    again = load_network(path)
    assert replace(again, module=net.module) == net
    x = batch(5)
    with torch.inference_mode():
        assert torch.equal(again.module(x), net.module(x))
    assert not any(parameter.requires_grad for parameter in again.module.parameters())
    assert load_weights(path)[1]["training"] == {"data": "digits", "seed": 3}
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.safetensors"]


def test_annexes_lie_beside_the_weights_and_not_among_them(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    net = saved(path)
    elite = torch.rand(3, 5)
    save_weights(path, net, training={}, annexes={"elite_weights": elite})
    assert torch.equal(load_annexes(path)["elite_weights"], elite)
    assert set(load_weights(path)[0]) == set(net.module.state_dict())
    load_network(path)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "w.safetensors"
    net = saved(path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadWeights, match="cannot be written: no space left"):
        save_weights(path, net, training={})

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_weights(path, net, training={})
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.safetensors"]


class _Evil:
    def __reduce__(self) -> Any:
        return print, ("run",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (_Evil(), "pickle with more than tensors"),
        ({"a": torch.zeros(2), "b": _Evil()}, "pickle with more than tensors"),
        (nn.Linear(2, 2), "pickle with more than tensors"),
        ({"state_dict": {"a": torch.zeros(2)}}, "a dict with the keys state_dict"),
        ({}, "not a plain state dict"),
        ([torch.zeros(2)], "a list, not a plain state dict"),
        (torch.zeros(2), "a Tensor, not a plain state dict"),
        ({"a": torch.tensor([1.0, float("nan")])}, "a has values that are not finite"),
    ],
)
def test_anything_but_a_state_dict_is_refused_and_not_run(
    tmp_path: Path, content: Any, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.pt"
    torch.save({"a": torch.zeros(2)}, path)
    assert load_weights(path)[0]["a"].shape == (2,)
    torch.save(content, path)
    with pytest.raises(BadWeights, match=says):
        load_weights(path)
    assert capsys.readouterr().out == ""


def test_a_bare_pickle_is_refused_and_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.pkl"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps(_Evil(), protocol))
        with pytest.raises(BadWeights):
            load_weights(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_truncated_and_missing_files_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"w.{kind}"
    if kind == "pt":
        torch.save({"a": torch.zeros(100)}, path)
    else:
        save_file({"a": torch.zeros(100)}, path)
    whole = path.read_bytes()
    assert load_weights(path)[0]["a"].shape == (100,)
    for length in (0, 4, 9, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(BadWeights, match=f"w.{kind}"):
            load_weights(path)
    with pytest.raises(BadWeights, match="cannot be read"):
        load_weights(tmp_path / "none")


def test_weights_of_another_network_are_refused_listing_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    state = SmallCNN(1, 3, ((4,), (5,))).state_dict()
    options: Mapping[str, Any] = {"widths": [[4], [5]]}

    def load(changed: dict[str, torch.Tensor]) -> Network:
        save_file(changed, path)
        return load_network(
            path,
            model="small-cnn",
            model_options=options,
            classes=["a", "b", "c"],
            input_shape=(1, 8, 8),
        )

    assert load(dict(state)).classes == ("a", "b", "c")
    without = {name: state[name] for name in state if not name.startswith("head")}
    with pytest.raises(BadWeights, match=r"2 missing \(head.weight, head.bias\)"):
        load(without)
    with pytest.raises(BadWeights, match=r"4 unexpected \(x0, x1, x2, and 1 more\)"):
        load(state | {f"x{number}": torch.zeros(1) for number in range(4)})
    with pytest.raises(BadWeights, match=r"head.bias is \(4,\), needed \(3,\)"):
        load(state | {"head.bias": torch.zeros(4)})


def test_state_dicts_from_before_the_counters_of_batch_norm_load(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    module = build_model(
        RESNET, classes=10, input_shape=(3, 32, 32), options={}, allow=frozenset({RESNET})
    )
    torch.save({n: t for n, t in module.state_dict().items() if "num_batches" not in n}, path)
    net = load_network(path, model=RESNET, input_shape=(3, 32, 32), allow=frozenset({RESNET}))
    assert net.classes == tuple(f"class_{index}" for index in range(10))
    assert net.preprocessing == Preprocessing("RGB", size=32)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "mine."])
def test_names_behind_those_of_a_wrapper_are_taken_without_it_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, prefix: str
) -> None:
    module, other = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 1)
    path = tmp_path / "w.pt"
    torch.save({prefix + name: tensor for name, tensor in module.state_dict().items()}, path)
    if prefix == "mine.":
        with pytest.raises(BadWeights, match=r"unexpected \(mine\.weight"):
            fit(other, load_weights(path)[0], str(path))
    else:
        fit(other, load_weights(path)[0], str(path))
        assert torch.equal(other.weight, module.weight)
        assert f"begins with {prefix}" in caplog.text
    # A network that is itself a wrapper has these names of its own.
    own = nn.Sequential(OrderedDict({prefix.rstrip("."): nn.Conv2d(1, 2, 1)}))
    fit(own, load_weights(path)[0], str(path))


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    net = saved(path)
    state = net.module.state_dict()
    save_file(state, path, {"schema": '"proofsight-weights/99"'})
    with pytest.raises(BadWeights, match="schema 'proofsight-weights/99'"):
        load_network(path)
    save_file(state, path, {"schema": '"proofsight-weights/1"', "model": '"small-cnn"'})
    with pytest.raises(BadWeights, match="metadata cannot be read"):
        load_network(path)


# --- flags and records --------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (
            {"model": "torchvision:resnet18"},
            "--model says torchvision:resnet18, .* made for small-cnn",
        ),
        ({"classes": ["a", "b", "c"]}, r"classes says \('a', 'b', 'c'\), .* 'class_1'"),
        ({"model_options": {"widths": [[9]]}}, r"widths': \[\[9\]\]"),
        ({"preprocessing": Preprocessing("L", scale=1.0)}, "preprocessing says"),
        ({"preprocessing": PreprocessingOptions(size=9)}, "--size says 9, .* trained with 8"),
    ],
)
def test_a_flag_against_the_file_is_refused_showing_both(
    tmp_path: Path, flags: dict[str, Any], says: str
) -> None:
    path = tmp_path / "w.safetensors"
    net = saved(path, preprocessing=Preprocessing("L", size=8))
    load_network(
        path,
        model=net.model,
        classes=net.classes,
        model_options=net.model_options,
        preprocessing=PreprocessingOptions(size=8),
    )
    load_network(path, preprocessing=net.preprocessing)
    with pytest.raises(BadOption, match=says):
        load_network(path, **flags)


def test_what_a_file_lacks_must_be_said(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(SmallCNN(1, 3, widths_for(8, 8)).state_dict(), path)
    with pytest.raises(BadOption, match="give --model"):
        load_network(path, classes=["a", "b", "c"], input_shape=(1, 8, 8))
    net = load_network(path, model="small-cnn", classes=["a", "b", "c"], input_shape=(1, 8, 8))
    assert net.preprocessing == Preprocessing("L", size=8)


def test_a_manifest_s_factory_is_not_allowed_by_being_named(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    allow = frozenset({RESNET})
    module = build_model(RESNET, classes=3, input_shape=(3, 32, 32), options={}, allow=allow)
    net = replace(network(module, shape=(3, 32, 32)), model=RESNET)
    save_weights(path, net, training={})
    with pytest.raises(BadModel, match="is not allowed"):
        load_network(path)
    assert load_network(path, allow=allow).classes == net.classes


def test_logits_and_classes_must_be_as_many(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    model = "tests.vision.networks:Residual"
    net = network(
        build_model(
            model, classes=None, input_shape=(1, 8, 8), options={}, allow=frozenset({model})
        )
    )
    torch.save(net.module.state_dict(), path)
    arguments: dict[str, Any] = {
        "model": model,
        "input_shape": (1, 8, 8),
        "allow": frozenset({model}),
    }
    assert load_network(path, classes=["a", "b", "c"], **arguments).classes == ("a", "b", "c")
    with pytest.raises(BadModel, match="gives 3 logits, but there are 2 classes"):
        load_network(path, classes=["a", "b"], **arguments)


def test_a_size_that_the_network_does_not_run_on_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    model = "examples.networks:lenet"
    allow = frozenset({model})
    module = build_model(model, classes=10, input_shape=(1, 28, 28), options={}, allow=allow)
    torch.save(module.state_dict(), path)
    assert load_network(path, model=model, input_shape=(1, 28, 28), allow=allow).input_shape == (
        1,
        28,
        28,
    )
    with pytest.raises(BadModel, match=r"does not run on images of shape \(1, 32, 32\)"):
        load_network(path, model=model, preprocessing=PreprocessingOptions(size=32), allow=allow)
    with pytest.raises(BadOption, match="give --size"):
        load_network(path, model=model, preprocessing=Preprocessing("L"), allow=allow)


def test_square_images_fix_the_size_so_that_others_are_brought_to_it() -> None:
    settled, shape = settle_shape(Preprocessing("L"), (1, 8, 8))
    assert (settled.size, shape) == (8, (1, 8, 8))
    oblong, shape = settle_shape(Preprocessing("L"), (1, 8, 9))
    assert (oblong.size, shape) == (None, (1, 8, 9))
    asked, shape = settle_shape(Preprocessing("RGB", size=32, crop=28), (3, 100, 50))
    assert (asked.side, shape) == (28, (3, 28, 28))
    net = network(SmallCNN(1, 3, ((4,),)))
    net = replace(net, preprocessing=settled)
    assert net.prepare([np.zeros((40, 60, 3), np.uint8)]).shape == (1, 1, 8, 8)
