"""Models by name: what is built, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from proofsight_server.errors import BadModel
from proofsight_server.vision.model import input_mode
from proofsight_server.vision.small_cnn import widths_for
from tests.vision.networks import built


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
