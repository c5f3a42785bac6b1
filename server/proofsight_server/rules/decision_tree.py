"""scikit-learn's decision tree, as this room grows it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from proofsight_server.symbols.feature import Floats, Ints

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeClassifier


def grow(inputs: Floats, target: Ints, *, leaves: int, seed: int) -> DecisionTreeClassifier:
    """Fit a tree of at most `leaves` leaves: inputs (n, d), target (n,) class indices."""
    # scikit-learn takes a second to import, and only learning needs it
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=leaves, random_state=seed)
    with warnings.catch_warnings():
        # As many classes as images are no mistake here: ImageNet has a thousand.
        warnings.filterwarnings("ignore", message="The number of unique classes")
        tree.fit(inputs, target)
    return tree
