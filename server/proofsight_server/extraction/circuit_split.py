"""Whether unlike images reach a circuit's target by routes of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from proofsight_server.circuits.masked import masked
from proofsight_server.circuits.splitting import split
from proofsight_server.extraction.circuit import FoundCircuit


def split_images(found: FoundCircuit, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """What `split` finds in the whole network on a circuit's images, as JSON can express it.

    The general circuit is the whole network: which routes there are does not depend on how few
    kernels were asked for.  `progress` is called with circuits tested and circuits in all.
    """
    whole = masked(found.network, found.network.wiring.counted())
    images = torch.cat([found.images.scored, found.images.held_out])
    return split(whole, images, progress=progress).to_json()
