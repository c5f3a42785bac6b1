"""The identity of an image: what its pixels are, whatever file they come in."""

from __future__ import annotations

import hashlib

import numpy as np

from proofsight_server.vision.image import Pixels


def digest_pixels(pixels: Pixels) -> str:
    """sha256 of a decoded RGB image, (height, width, 3) uint8, in hexadecimal."""
    digest = hashlib.sha256(f"{pixels.shape};".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()
