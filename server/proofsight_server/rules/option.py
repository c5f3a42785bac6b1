"""What the options of an estimator may be, and the refusal of anything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from numbers import Real

from proofsight_server.errors import BadOption


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that an option may have; `rule` says it in words: `a share between 0 and 1`."""

    rule: str
    accepts: Callable[[object], bool]


def whole_from(least: int, *besides: str | None) -> Domain:
    """Whole numbers from `least`, and the words or None that may stand for one."""
    words = f"{', '.join(map(repr, besides))} or " if besides else ""
    return Domain(
        f"{words}a whole number of at least {least}",
        lambda value: _number(value) >= least if _is_whole(value) else value in besides,
    )


def number_from(least: float, most: float = inf) -> Domain:
    """Finite numbers from `least` to `most`."""
    bounds = f"of at least {least:g}" if most == inf else f"between {least:g} and {most:g}"
    return Domain(
        f"a number {bounds}",
        lambda value: _is_number(value) and least <= _number(value) <= most,
    )


def one_of(words: tuple[str, ...]) -> Domain:
    """Some words."""
    return Domain(f"one of {', '.join(words)}", lambda value: value in words)


def check_options(estimator: object, domains: Mapping[str, Domain]) -> None:
    """Accept an estimator whose attributes of these names have values that they may have.

    Raises
    ------
    BadOption
        The first that has not; the message names option, rule and value.
    """
    for option, domain in domains.items():
        value = getattr(estimator, option)
        if not domain.accepts(value):
            raise BadOption(f"{option} is {domain.rule}, not {value!r}", option=option, value=value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def _number(value: object) -> float:
    assert isinstance(value, Real)
    return float(value)


SHARE = Domain("a share between 0 and 1", number_from(0, 1).accepts)
"""Numbers between 0 and 1, both included."""
