"""What happens where flags and the records of weights disagree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from proofsight_server.errors import BadModel, BadOption
from proofsight_server.vision.model import build_model
from proofsight_server.vision.network import (
    load_network,
    save_weights,
    settle_shape,
)
from proofsight_server.vision.preprocessing import Preprocessing
from proofsight_server.vision.preprocessing_options import PreprocessingOptions
from proofsight_server.vision.small_cnn import SmallCNN, widths_for
from tests.vision.networks import RESNET, network, saved


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
