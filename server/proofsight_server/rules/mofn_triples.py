"""The best M-of-N rule of at most three literals, of all there are."""

from __future__ import annotations

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.symbols.feature import Bools

MOST_INPUTS = 256
_RATE = 2e10  # multiplications a second, for the estimate of a refusal


def best_triple(literals: Bools, target: Bools) -> tuple[int, ...]:
    """The columns of the rule "at least M of them" of fewest errors, with 1 to 3 literals.

    All bodies are tried: n³ times the images, as products of matrices.  (Our own; no order of
    literals, as the published method has, comes near it for short rules.)

    Parameters
    ----------
    literals
        (images, n) bool.
    target
        (images,) bool.

    Returns
    -------
    Rising columns; of equally good bodies the one found first.  None where n is 0.

    Raises
    ------
    BadOption
        There are more than 256 literals.
    """
    images, count = literals.shape
    check_triples(count, images, "this target")
    columns = np.ascontiguousarray(literals.T).astype(np.float32)
    signed = columns * np.where(target, np.float32(1), np.float32(-1))
    # By how many more images with the target than without it one, two and three literals hold.
    # A literal may stand twice or thrice in a body, which makes the shorter ones of it: of x, x
    # and y, at least one is x or y, at least three both, and at least two x alone.
    one, two = signed.sum(axis=1), signed @ columns.T
    best, body = -np.inf, set[int]()
    for first, column in enumerate(columns):
        three = (signed[first:] * column) @ columns[first:].T
        pairs = two[first, first:, None] + two[first, first:] + two[first:, first:]
        ones = one[first] + one[first:, None] + one[first:]
        for m, excess in ((3, three), (2, pairs - 2 * three), (1, ones - pairs + three)):
            second, third = divmod(int(excess.argmax()), count - first)
            if excess[second, third] > best:
                best = float(excess[second, third])
                body = {first, first + second, first + third}
                if m == 2 and len(body) == 2:
                    body = {first + second}  # second ≤ third: the one that stands twice
    return tuple(sorted(body))


def check_triples(inputs: int, images: int, unit: str) -> None:
    """Refuse more inputs than every three of can be tried. Raises BadOption."""
    if inputs > MOST_INPUTS:
        raise BadOption(
            f"the order triples tries every body of three literals, which is for at most "
            f"{MOST_INPUTS} inputs, and {unit} has {inputs}: some "
            f"{inputs**3 * images / _RATE:,.0f} s a unit; use the order greedy",
            option="order",
            inputs=inputs,
        )
