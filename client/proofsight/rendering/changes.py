"""What would change a decision, as the lines that the Prolog `flip/2` prints and as a term.

The rules are those in the `_comment` of `prolog/messages/en.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from proofsight.answers import Decision
from proofsight.flip import Change, Direction, Flip, FlipStatus
from proofsight.rendering.atoms import float_text, quote
from proofsight.rendering.messages import messages
from proofsight.rendering.numbers import compared
from proofsight.rendering.text import fill


def render(flip: Flip, language: str = "en") -> str:
    """The answer for people; every line ends with a newline."""
    return "".join(f"{line}\n" for line in lines(flip, language))


def lines(flip: Flip, language: str = "en") -> Iterator[str]:
    """A heading, then a line for each change."""
    table = messages(language)
    slots = {
        "class": flip.wanted or "",
        "from": _class(flip.decision, table),
        "to": _class(flip.flipped, table),
        "count": str(len(flip.changes)),
        "bound": str(flip.lower_bound),
        "limit": flip.cut_short,
    }
    yield fill(table[f"flip.{_heading(flip)}"], slots)
    for place, change in enumerate(flip.changes, 1):
        branch = "└─ " if place == len(flip.changes) else "├─ "
        label = fill(table["label"], {"label": change.label}) if change.label else ""
        yield f"{branch}{_text(change, table)}{label}"


def flip_term(flip: Flip) -> str:
    """`flip(Status, Class, Changes, Bound)`: Class `none()` for no decision, Bound may be `inf`."""
    name = flip.flipped.class_name
    decided = "none()" if name is None else quote(name)
    bound = "inf" if flip.lower_bound is None else str(flip.lower_bound)
    changes = ",".join(map(_term, flip.changes))
    return f"flip({quote(flip.status.value)},{decided},[{changes}],{bound})"


def _term(change: Change) -> str:
    needed = f"{change.direction.value}({float_text(change.threshold)})"
    return f"change({quote(change.proposition)},{float_text(change.value)},{needed})"


def _class(decision: Decision, table: Mapping[str, str]) -> str:
    name = decision.class_name
    return table["flip.undecided"] if name is None else name


def _heading(flip: Flip) -> str:
    match flip.status:
        case FlipStatus.FOUND:
            return ("nothing", "one", "several")[min(len(flip.changes), 2)]
        case FlipStatus.IMPOSSIBLE:
            return "always" if flip.wanted is None else "impossible"
    if flip.changes:
        return "best_found"
    return "no_other_found" if flip.wanted is None else "not_found"


def _text(change: Change, table: Mapping[str, str]) -> str:
    value, threshold = compared(change.value, change.threshold)
    slots = {"proposition": change.proposition, "value": value, "threshold": threshold}
    key = f"flip.{Direction(change.direction).value}"
    if change.limit is not None:
        key += "_within"
        slots["limit"] = compared(change.limit, change.threshold)[0]
    return fill(table[key], slots)
