"""The one place that mends torchvision on a torch without its compiled operators.

torchvision's wheels on PyPI are built against the CUDA build of torch.  Beside a CPU
build their library of compiled operators does not load; torchvision only warns of that,
but then registers fake kernels for `torchvision::nms` and `torchvision::qnms`, which
torch refuses because nobody has declared the operators.  Declaring the two schemas is
enough: models, transforms, data sets and feature extraction need none of the kernels.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from torch import library

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def import_torchvision() -> ModuleType:
    """Import torchvision, declaring the operators that it lacks, if it lacks any.

    Returns
    -------
    module
        `torchvision`.

    Raises
    ------
    ImportError
        It is not installed, or fails for another reason than undeclared operators.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if not any(f"torchvision::{name} does not exist" in str(error) for name in _SCHEMAS):
            raise ImportError(f"torchvision does not import: {error}") from error
    # The failed import leaves half of the package behind; the second must start anew.
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    operators: Any = library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS.values():
        operators.define(schema)
    module = importlib.import_module("torchvision")
    # A Library undeclares its operators when it is collected, so it lives with the module.
    vars(module)["_proofsight_operators"] = operators
    return module
