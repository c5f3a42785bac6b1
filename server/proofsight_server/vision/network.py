"""A network with everything that is needed to use it: classes, preprocessing, input shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from proofsight_server.errors import BadImage, BadModel, BadOption, BadWeights
from proofsight_server.vision.model import build_model, input_mode
from proofsight_server.vision.points import trial
from proofsight_server.vision.preprocessing import Images, Preprocessing
from proofsight_server.vision.preprocessing_options import PreprocessingOptions
from proofsight_server.vision.weights import fit, load_weights, write_weights

__all__ = ["Network", "build_model", "load_network", "load_weights", "save_weights"]

SCHEMA = "proofsight-weights/1"


@dataclass(frozen=True, slots=True)
class Network:
    """A classifier in eval mode, and what surrounds it.

    `model` and `model_options` say how to build it again; `classes` are in the order of the
    logits; `input_shape` is (channels, height, width) after preprocessing.
    """

    module: nn.Module
    model: str
    model_options: Mapping[str, Any]
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    input_shape: tuple[int, int, int]

    def prepare(self, images: Images) -> Tensor:
        """The network's input (n, channels, height, width) float32 for uint8 images.

        Raises
        ------
        BadTensor, BadImage
            As `Preprocessing` does, and BadImage where the images do not end up in the
            network's input shape.
        """
        batch = self.preprocessing(images)
        if tuple(batch.shape[1:]) != self.input_shape:
            _, height, width = self.input_shape
            raise BadImage(
                f"the network takes images of {width} x {height} pixels, these have "
                f"{batch.shape[3]} x {batch.shape[2]}; send that size",
                width=batch.shape[3],
                height=batch.shape[2],
            )
        return batch


def save_weights(
    path: str | Path,
    network: Network,
    *,
    training: Mapping[str, object],
    annexes: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a network's weights as safetensors, with all that `load_network` needs.

    Parameters
    ----------
    path
        The file, replaced as a whole or left as it was.
    network
        Its weights, model, options, classes, preprocessing and input shape are stored.
    training
        How it was trained: data URI, seed, options and figures, as JSON can express them.
    annexes
        Further tensors to keep with it, such as elite weights.
    """
    metadata = {
        "schema": SCHEMA,
        "model": network.model,
        "options": dict(network.model_options),
        "classes": list(network.classes),
        "preprocessing": network.preprocessing.to_json(),
        "input_shape": list(network.input_shape),
        "training": dict(training),
    }
    write_weights(Path(path), network.module.state_dict(), metadata, annexes)


def load_network(
    weights: str | Path,
    *,
    model: str | None = None,
    model_options: Mapping[str, Any] | None = None,
    classes: Sequence[str] | None = None,
    preprocessing: Preprocessing | PreprocessingOptions | None = None,
    input_shape: Sequence[int] | None = None,
    allow: frozenset[str] = frozenset(),
) -> Network:
    """A network from a weight file; what the file says of itself holds.

    Parameters
    ----------
    weights
        Safetensors, or a plain state dict.
    model, model_options, classes, preprocessing
        What the file lacks.  Given although the file has it, it must be the same; of
        `PreprocessingOptions` only what was said is compared.  Without any classes they are
        called `class_0`, `class_1`, ...
    input_shape
        (channels, height, width) of the images as they come, for files that do not say;
        not needed where a size is given.
    allow
        Factories that may be imported; see `build_model`.

    Raises
    ------
    BadOption
        What was given contradicts the file (both are shown), or is needed and missing.
    BadModel, BadWeights
        As `build_model` and `load_weights`; or the network does not run on such images.
    """
    state, metadata = load_weights(weights)
    where = str(weights)
    known = _recorded(where, metadata)
    name = _agreed("--model", model, known.get("model"))
    if name is None:
        raise BadOption(f"{where} does not name its model; give --model")
    options = _agreed("model options", model_options, known.get("options")) or {}
    names = _agreed("classes", None if classes is None else tuple(classes), known.get("classes"))
    shape = known.get("input_shape") or input_shape
    built = build_model(
        name,
        classes=None if names is None else len(names),
        input_shape=shape or (3, 224, 224),
        options=options,
        allow=allow,
    )
    fit(built, state, where)
    prepared = _preprocessing(built, preprocessing, known.get("preprocessing"))
    prepared, shape = settle_shape(prepared, shape)
    logits = logits_of(built, name, shape)
    names = names or tuple(f"class_{index}" for index in range(logits))
    if logits != len(names):
        raise BadModel(
            f"{name} gives {logits} logits, but there are {len(names)} classes "
            f"({', '.join(names[:3])}, ...); give data with the classes of the network",
            logits=logits,
            classes=len(names),
        )
    return Network(built.requires_grad_(False), name, options, names, prepared, shape)


def settle_shape(
    preprocessing: Preprocessing, images: Sequence[int] | None
) -> tuple[Preprocessing, tuple[int, int, int]]:
    """Fix the shape of the input: the size asked for, else the images' own.

    Where the images are square, their side is then written into the preprocessing, so that
    images of other sizes are brought to it instead of being refused.

    Raises
    ------
    BadOption
        Neither is known.
    """
    side = preprocessing.side
    if side is None:
        if images is None:
            raise BadOption("the size of the network's input is not known; give --size")
        _, height, width = images
        if height != width:
            return preprocessing, (preprocessing.channels, height, width)
        side = height
        preprocessing = replace(preprocessing, size=side)
    return preprocessing, (preprocessing.channels, side, side)


def logits_of(module: nn.Module, model: str, shape: Sequence[int]) -> int:
    """How many logits a network in eval mode gives for images of that shape, tried out.

    Raises
    ------
    BadModel
        It does not run on them, or gives something else than (images, classes).
    """
    batch = trial(shape)
    try:
        with torch.inference_mode():
            logits = module(batch)
    except Exception as error:
        # The network's own code, on a shape that a person gave.
        raise BadModel(
            f"{model} does not run on images of shape {tuple(shape)} (channels, height, width): "
            f"{error}; give the --size that it was made for",
            model=model,
        ) from error
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(batch):
        found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise BadModel(
            f"{model} gives {found} for {len(batch)} images, but a classifier gives "
            f"({len(batch)}, classes)",
            model=model,
        )
    return int(logits.shape[1])


def _recorded(where: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    if "schema" not in metadata:
        return {}
    if metadata["schema"] != SCHEMA:
        raise BadWeights(
            f"{where}: has the schema {metadata['schema']!r}; this version reads {SCHEMA!r}"
        )
    try:
        return {
            "model": str(metadata["model"]),
            "options": dict(metadata["options"]),
            "classes": tuple(str(name) for name in metadata["classes"]),
            "preprocessing": Preprocessing.from_json(metadata["preprocessing"]),
            "input_shape": tuple(int(side) for side in metadata["input_shape"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise BadWeights(f"{where}: its metadata cannot be read: {error}") from error


def _agreed(flag: str, asked: Any, recorded: Any) -> Any:
    if asked is not None and recorded is not None and asked != recorded:
        raise BadOption(
            f"{flag} says {asked}, but the weights were made for {recorded}; leave the flag "
            "out, or give the weights that belong to it",
            flag=flag,
            asked=asked,
            recorded=recorded,
        )
    return asked if recorded is None else recorded


def _preprocessing(
    module: nn.Module,
    asked: Preprocessing | PreprocessingOptions | None,
    recorded: Preprocessing | None,
) -> Preprocessing:
    if isinstance(asked, Preprocessing):
        agreed: Preprocessing = _agreed("preprocessing", asked, recorded)
        return agreed
    asked = asked or PreprocessingOptions()
    return asked.new(input_mode(module)) if recorded is None else asked.agree(recorded)
