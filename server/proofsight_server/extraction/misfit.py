"""A network that does not fit the labels of its data, most likely since it runs otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from proofsight_server.extraction.probing import Seen, listed
from proofsight_server.symbols.feature import Ints


def misfit_of(seen: Mapping[str, Seen], classes: Sequence[str]) -> str | None:
    """What to look at where the network is right less often than one class is everywhere.

    Over the labelled images of all splits.  None where it is right at least that often, and
    where labels are of one class only or there are none.
    """
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)  # by decision and label
    for split in seen.values():
        if split.labels is not None:
            np.add.at(counts, (split.decisions, split.labels), 1)
    images, frequent = int(counts.sum()), counts.sum(axis=0)
    right, most = int(np.trace(counts)), int(frequent.max())
    if right >= most or most == images:
        return None
    return (
        f"the network is right on {right / images:.4f} of the {images} labelled images, less often "
        f"than if it always said {classes[int(frequent.argmax())]} ({most / images:.4f}); rules "
        f"would explain a network that nobody uses. {_remedy(counts, most / images, classes)}"
    )


def _remedy(counts: Ints, most: float, classes: Sequence[str]) -> str:
    outputs, labels = linear_sum_assignment(counts, maximize=True)
    renamed = counts[outputs, labels].sum() / counts.sum()
    if renamed > (1 + most) / 2:  # far more than renaming gains by chance
        return (
            f"Its outputs are most likely {listed([classes[label] for label in labels])}, in this "
            f"order: as such they are right on {renamed:.4f}. Give the data's classes that order "
            "(folders are read in the order of their names), or let the model's factory put its "
            f"outputs in the order of the data: {listed(classes)}"
        )
    return (
        "Check that --normalize, --scale, --size and --crop were those of the training when the "
        "rules were extracted, that the weights were trained for this data, and that the "
        f"network's outputs have the order of the data's classes: {listed(classes)}"
    )
