"""Promises: what an estimator of somebody's own must keep, tried one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

Case = TypeVar("Case")


def check_promises(noun: str, promises: Mapping[str, Callable[[Case], bool]], case: Case) -> None:
    """Try every promise on `case`.

    Parameters
    ----------
    noun
        What promises: `quantiser`.
    promises
        Each promise in words, and whether a case keeps it.
    case
        What they are tried on.

    Raises
    ------
    AssertionError
        If a promise is broken, or raises; the message lists every broken one.
    """
    broken = []
    for promise, holds in promises.items():
        try:
            kept = holds(case)
        except Exception as error:
            broken.append(f"{promise}: raised {type(error).__name__}: {error}")
        else:
            if not kept:
                broken.append(promise)
    if broken:
        lines = "\n".join(f"- {promise}" for promise in broken)
        raise AssertionError(f"the {noun} breaks {len(broken)} promises:\n{lines}")
