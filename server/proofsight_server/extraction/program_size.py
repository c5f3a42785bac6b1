"""How large a program may be that is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from proofsight_server.errors import BadOption
from proofsight_server.rules.program import Program

MOST_RULES = 60_000  # that were seen to load within a server's default limits


def check_size(program: Program) -> None:
    """Refuse formulas of more terms than a server loads, with the cap that fits.

    Raises
    ------
    BadOption
        There are more than 60,000 rules.
    """
    if len(program.rules) <= MOST_RULES:
        return
    counts = sorted(Counter(rule.head for rule in program.rules).values())
    raise BadOption(
        f"the program has {len(program.rules)} rules, and a server loads {MOST_RULES} at most; "
        "keep fewer terms of each side of a unit, with --learner-option "
        f"max_terms={max(largest_cap(counts, MOST_RULES), 1)}, or shorter ones, with a smaller "
        "order",
        option="max_terms",
        rules=len(program.rules),
    )


def largest_cap(counts: Sequence[int], most: int) -> int:
    """The greatest cap on rising counts under which they sum to `most` or less."""
    left = most
    for place, count in enumerate(counts):
        share = left // (len(counts) - place)
        if count > share:
            return share
        left -= count
    return counts[-1] if counts else 0
