"""Weights on disk: they come back whole, and what is no state dict is refused and not run."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from proofsight_server.errors import BadWeights
from proofsight_server.vision.model import build_model
from proofsight_server.vision.network import (
    Network,
    load_network,
    load_weights,
    save_weights,
)
from proofsight_server.vision.preprocessing import Preprocessing
from proofsight_server.vision.small_cnn import SmallCNN
from proofsight_server.vision.weights import fit
from tests.vision.networks import RESNET, batch, saved


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
    assert torch.equal(load_file(path)["proofsight.elite_weights"], elite)
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
