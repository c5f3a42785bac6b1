"""The handwritten digits that scikit-learn ships: 1,797 grey images of 8 x 8."""

from __future__ import annotations

import numpy as np

from proofsight_server.vision.source import Numbered, Source


def digits() -> Source:
    """All 1,797 digits; 0..16 of the original becomes 0..255, rounded, so that they are images.

    scikit-learn has no test set for them: the data set sets a quarter aside.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = (bunch.images.astype(np.int64) * 255 + 8) // 16
    return Source(
        images=images.astype(np.uint8)[..., None],
        labels=bunch.target.astype(np.int64),
        ids=Numbered("digits", len(images)),
        classes=tuple(f"digit_{index}" for index in range(10)),
        mode="L",
    )
