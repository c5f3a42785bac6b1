"""Networks by name: ours, torchvision's, and factories that the operator allows."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import torch
from torch import nn

from proofsight_server.errors import BadModel
from proofsight_server.factory import import_factory
from proofsight_server.vision.image import CHANNELS, Mode
from proofsight_server.vision.operators import import_torchvision
from proofsight_server.vision.small_cnn import SmallCNN, widths_for

SMALL_CNN = "small-cnn"
TORCHVISION = "torchvision:"


def build_model(
    model: str,
    *,
    classes: int | None,
    input_shape: Sequence[int],
    options: Mapping[str, Any],
    allow: frozenset[str] = frozenset(),
    seed: int = 0,
) -> nn.Module:
    """A network with fresh weights, in eval mode.

    Parameters
    ----------
    model
        `small-cnn`, `torchvision:NAME` (a classification model), or `module:factory`: a
        callable that returns a module.  It gets `options` as keywords, and `classes` if it has a
        parameter of that name.
    classes
        Number of logits; None leaves it to the model, as is usual for given weights.
    input_shape
        (channels, height, width) of its input; small-cnn is sized to it.
    options
        Keywords of the model: `widths` for small-cnn.
    allow
        Factories that may be imported.  Importing runs code, so a name in a file or a
        request never suffices.
    seed
        Of the fresh weights.  The global generator is left as it was.

    Raises
    ------
    BadModel
        There is no such model, it is not allowed, or it cannot be built with these options.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        if model == SMALL_CNN:
            module: object = _small_cnn(classes, input_shape, options)
        elif model.startswith(TORCHVISION):
            module = _torchvision(model.removeprefix(TORCHVISION), classes, options)
        elif ":" in model:
            module = _called(model, _factory(model, allow), classes, options)
        else:
            raise BadModel(
                f"no model named {model!r}; write small-cnn, torchvision:NAME or module:factory",
                model=model,
            )
    if not isinstance(module, nn.Module):
        raise BadModel(
            f"{model} returned a {type(module).__name__}, but must return a torch.nn.Module",
            model=model,
        )
    return module.eval()


def input_mode(module: nn.Module) -> Mode:
    """The mode of image that a network's first layer takes: grey for 1 channel, RGB for 3.

    Raises
    ------
    BadModel
        The first convolution takes another number of channels.
    """
    for child in module.modules():
        if isinstance(child, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            for mode, channels in CHANNELS.items():
                if child.in_channels == channels:
                    return mode
            raise BadModel(
                f"the network's first layer takes {child.in_channels} channels; images have 1 "
                "(grey) or 3 (RGB)",
                channels=child.in_channels,
            )
    return "L"


def _small_cnn(
    classes: int | None, input_shape: Sequence[int], options: Mapping[str, Any]
) -> nn.Module:
    unknown = sorted(set(options) - {"widths"})
    if unknown:
        raise BadModel(f"small-cnn has no option {unknown[0]!r}; its option is 'widths'")
    if classes is None:
        raise BadModel("small-cnn needs to know how many classes there are")
    channels, height, width = input_shape
    return SmallCNN(channels, classes, options.get("widths") or widths_for(height, width))


def _torchvision(name: str, classes: int | None, options: Mapping[str, Any]) -> object:
    models: Any = importlib.import_module(f"{import_torchvision().__name__}.models")
    known = models.list_models(module=models)
    if name not in known:
        near = ", ".join(get_close_matches(name, known, n=3, cutoff=0.4))
        raise BadModel(
            f"torchvision has no classification model named {name!r}; nearest: "
            f"{near or ', '.join(known[:3])}",
            model=name,
            nearest=near,
        )
    keywords = dict(options) if classes is None else {**options, "num_classes": classes}
    if name in {"googlenet", "inception_v3"}:
        # Their second head is for training only, and is no part of what is explained.
        keywords = {"aux_logits": False, "init_weights": False, **keywords}
    return _called(
        f"{TORCHVISION}{name}",
        lambda **k: models.get_model(name, weights=None, **k),
        None,
        keywords,
    )


def _factory(model: str, allow: frozenset[str]) -> Callable[..., object]:
    if model not in allow:
        raise BadModel(
            f"{model} is not allowed: importing it runs its code; if you trust it, say "
            f"--allow-model {model} or set PROOFSIGHT_ALLOW_MODELS={model}",
            model=model,
        )
    try:
        return import_factory(model)
    except ImportError as error:
        raise BadModel(str(error), model=model) from error


def _called(
    model: str,
    factory: Callable[..., object],
    classes: int | None,
    options: Mapping[str, Any],
) -> object:
    keywords = dict(options)
    try:
        if classes is not None and "classes" in inspect.signature(factory).parameters:
            keywords.setdefault("classes", classes)
        return factory(**keywords)
    except Exception as error:
        # A factory is other people's code.
        raise BadModel(
            f"{model} cannot be built with the options {keywords}: {error}", model=model
        ) from error
