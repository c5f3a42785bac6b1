"""Which operations belong to the layer before them: norm, residual add, non-linearity."""

from __future__ import annotations

from typing import Literal

from torch import nn

Role = Literal["norm", "add", "activation", "pass"]

_NORMS = (
    nn.modules.batchnorm._NormBase,  # batch and instance norms, synchronised or not
    nn.GroupNorm,
    nn.LayerNorm,
    nn.LocalResponseNorm,
    nn.RMSNorm,
)
_ACTIVATIONS = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.RReLU,
    nn.ELU,
    nn.SELU,
    nn.CELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Hardtanh,
    nn.Hardshrink,
    nn.Softshrink,
    nn.Tanhshrink,
    nn.Sigmoid,
    nn.LogSigmoid,
    nn.Tanh,
    nn.Softplus,
    nn.Softsign,
    nn.Threshold,
)
_PASSES = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
    nn.Identity,
)
_ROLES: dict[str, Role] = {
    **dict.fromkeys(
        ["batch_norm", "instance_norm", "group_norm", "layer_norm", "rms_norm"], "norm"
    ),
    **dict.fromkeys(["add", "iadd"], "add"),
    **dict.fromkeys(
        [
            "relu",
            "relu6",
            "leaky_relu",
            "prelu",
            "rrelu",
            "elu",
            "selu",
            "celu",
            "gelu",
            "silu",
            "mish",
            "hardswish",
            "hardsigmoid",
            "hardtanh",
            "hardshrink",
            "softshrink",
            "tanhshrink",
            "sigmoid",
            "logsigmoid",
            "tanh",
            "softplus",
            "softsign",
            "threshold",
            "clamp",
            "clamp_min",
        ],
        "activation",
    ),
    **dict.fromkeys(
        [
            "dropout",
            "dropout1d",
            "dropout2d",
            "dropout3d",
            "alpha_dropout",
            "feature_alpha_dropout",
            "feature_dropout",
            "stochastic_depth",
            "contiguous",
            "clone",
        ],
        "pass",
    ),
}


def role_of_module(module: nn.Module) -> Role | None:
    """What a module does to the layer before it; None: the layer ends before it.

    Pooling, softmax and anything that changes the shape end a layer.
    """
    if isinstance(module, _NORMS):
        return "norm"
    if isinstance(module, _ACTIVATIONS):
        return "activation"
    if isinstance(module, _PASSES) or type(module).__name__ == "StochasticDepth":
        return "pass"
    # FrozenBatchNorm2d of torchvision is a norm without being one of torch's.
    return "norm" if type(module).__name__ == "FrozenBatchNorm2d" else None


def role_of_function(name: str) -> Role | None:
    """The same for a function or a tensor method, by its name; `relu_` is `relu` in place."""
    return _ROLES.get(name.strip("_"))
