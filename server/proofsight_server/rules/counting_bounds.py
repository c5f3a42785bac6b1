"""How near a rule "at least M of these literals" comes to a unit, by its weights alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate

from proofsight_server.errors import BadOption
from proofsight_server.rules.threshold_unit import Pair, Side


@dataclass(frozen=True, slots=True)
class CountingBounds:
    """For the N literals of a body: from how many on the unit is certain, and up to how many.

    Attributes
    ----------
    body
        The literals, by decreasing weight.
    implies
        The least M for which "at least M hold" forces the side; N + 1 where none does.
    implied
        The greatest M for which the side forces "at least M hold"; 0 where none does.
    """

    body: tuple[Pair, ...]
    implies: int
    implied: int

    @property
    def equal(self) -> bool:
        """Whether the rule with that M is the side itself."""
        return self.implies == self.implied


def counting_bounds(side: Side, body: Collection[Pair] | None = None) -> CountingBounds:
    """The bounds of one side of a unit, for some of its literals or for all.

    Raises
    ------
    BadOption
        The body has a literal that the side does not have.
    """
    strange = set(body or ()) - set(side.pairs)
    if strange:
        index, polarity = min(strange)
        raise BadOption(
            f"input {index} being {int(polarity)} does not count for this side of the unit; a body "
            "has literals of the side"
        )
    inner = [at for at, pair in enumerate(side.pairs) if body is None or pair in body]
    weights = [side.weights[at] for at in inner]
    rest = sum(weight for at, weight in enumerate(side.weights) if at not in set(inner))
    least = list(accumulate(reversed(weights), initial=0.0))  # of M literals, the lightest
    most = [rest + total for total in accumulate(weights, initial=0.0)]  # the heaviest, and all
    count = len(inner)
    implies = next((m for m in range(count + 1) if least[m] >= side.threshold), count + 1)
    implied = next((m for m in range(count + 1, 0, -1) if most[m - 1] < side.threshold), 0)
    return CountingBounds(tuple(side.pairs[at] for at in inner), implies, implied)
