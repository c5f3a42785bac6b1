"""A network written down as steps: what JSON can hold, and what is built from it.

Only the kinds of `KINDS` are built, from numbers, so that reading a file runs no code of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from proofsight_server.circuits import blocks
from proofsight_server.errors import BadModel

SCHEMA = "proofsight-shrunk/1"
IMAGE = "image"

_POOLING = {
    "MaxPool2d": ("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "AvgPool2d": (
        "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override",
    ),
    "AdaptiveAvgPool2d": ("output_size",),
    "AdaptiveMaxPool2d": ("output_size",),
    "LPPool2d": ("norm_type", "kernel_size", "stride", "ceil_mode"),
    "ConstantPad2d": ("padding", "value"),
    "ZeroPad2d": ("padding",),
    "ReflectionPad2d": ("padding",),
    "ReplicationPad2d": ("padding",),
    "CircularPad2d": ("padding",),
    "Upsample": ("size", "scale_factor", "mode", "align_corners"),
}  # fmt: skip
_ACTIVATIONS: Mapping[str, tuple[str, ...]] = {
    "ReLU": (), "ReLU6": (), "LeakyReLU": ("negative_slope",), "RReLU": ("lower", "upper"),
    "ELU": ("alpha",), "SELU": (), "CELU": ("alpha",), "GELU": ("approximate",), "SiLU": (),
    "Mish": (), "Hardswish": (), "Hardsigmoid": (), "Hardtanh": ("min_val", "max_val"),
    "Hardshrink": ("lambd",), "Softshrink": ("lambd",), "Tanhshrink": (), "Sigmoid": (),
    "LogSigmoid": (), "Tanh": (), "Softplus": ("beta", "threshold"), "Softsign": (),
    "Threshold": ("threshold", "value"),
}  # fmt: skip

# Modules of torch without parameters, and the attributes that are their options.
PLAIN: Mapping[str, tuple[str, ...]] = {**_POOLING, **_ACTIVATIONS}
_WITH_PARAMETERS = (
    "Conv2d", "Linear", "BatchNorm1d", "BatchNorm2d", "InstanceNorm2d", "PReLU", "Flatten",
)  # fmt: skip
_OURS = (
    blocks.Select, blocks.Widen, blocks.Gather, blocks.Crop, blocks.Shift, blocks.Constant,
    blocks.Concat, blocks.Readout, blocks.Function,
)  # fmt: skip
KINDS: Mapping[str, type[nn.Module]] = {
    **{name: getattr(nn, name) for name in (*PLAIN, *_WITH_PARAMETERS)},
    **{block.__name__: block for block in _OURS},
}


@dataclass(frozen=True, slots=True)
class Step:
    """One module of a shrunk network and what it reads.

    `name` is unique; `kind` one of `KINDS`; `inputs` are names of earlier steps, or `image`;
    `options` are the arguments that build the module, as JSON has them; `origin` is the path of
    the module, or the point of the function, in the network that it comes from.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    options: Mapping[str, Any]
    origin: str = ""

    def build(self) -> nn.Module:
        """The module with its parameters still to be filled.

        Raises
        ------
        BadModel
            There is no such kind, or it has no such options.
        """
        if self.kind not in KINDS:
            raise BadModel(
                f"step {self.name} is of the kind {self.kind!r}, which this version does not build",
                step=self.name,
            )
        try:
            return KINDS[self.kind](**self.options)
        except (TypeError, ValueError, KeyError, RuntimeError) as error:
            raise BadModel(
                f"step {self.name} cannot be built as {self.kind}: {error}", step=self.name
            ) from error


@dataclass(frozen=True, slots=True)
class Architecture:
    """A shrunk network without its numbers.

    `input_shape` is (channels, height, width) of the images that it is tied to; the last step
    gives the target.  `collapsed` says that it does so without looking at the image.
    """

    input_shape: tuple[int, int, int]
    steps: tuple[Step, ...]
    collapsed: bool = False

    def to_json(self) -> dict[str, Any]:
        """The architecture as JSON can express it."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Architecture:
        """What `to_json` gave.

        Raises
        ------
        BadModel
            It is something else.
        """
        if document.get("schema") != SCHEMA:
            raise BadModel(
                f"an architecture with the schema {document.get('schema')!r}; this version reads "
                f"{SCHEMA!r}"
            )
        try:
            steps = tuple(_step(entry) for entry in document["steps"])
            channels, height, width = (int(side) for side in document["input_shape"])
            architecture = cls((channels, height, width), steps, bool(document["collapsed"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BadModel(f"an architecture that cannot be read: {error}") from error
        _check(architecture.steps)
        return architecture


def _step(entry: Mapping[str, Any]) -> Step:
    inputs: Sequence[str] = entry["inputs"]
    return Step(
        str(entry["name"]), str(entry["kind"]), tuple(inputs), dict(entry["options"]),
        str(entry.get("origin", "")),
    )  # fmt: skip


def _check(steps: Sequence[Step]) -> None:
    if not steps:
        raise BadModel("an architecture without steps")
    known = {IMAGE}
    for step in steps:
        if step.name in known or not step.name.isidentifier():
            raise BadModel(f"step name {step.name!r} is taken, or no name", step=step.name)
        unknown = [name for name in step.inputs if name not in known]
        if unknown or not step.inputs:
            read = unknown[0] if unknown else "nothing"
            raise BadModel(f"step {step.name} reads {read}, which is no earlier step")
        known.add(step.name)
