"""`interactions --compare-baselines`: which primitives survive other baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.table import print_table

if TYPE_CHECKING:
    from proofsight_server.interactions.baseline import Baseline
    from proofsight_server.interactions.baseline_comparison import Survival
    from proofsight_server.interactions.tabulation import Asked


def parse_others(text: str | None, first: Baseline) -> list[Baseline]:
    """The baselines named, other than the first. Raises BadOption where none is."""
    from proofsight_server.errors import BadOption
    from proofsight_server.interactions.baseline import parse_baseline

    if text is None:
        return []
    named = dict.fromkeys(parse_baseline(name) for name in text.split(","))
    others = [one for one in named if one != first]
    if not others:
        raise BadOption(
            f"--compare-baselines {text} names no baseline but {first}, which it is to be compared "
            "with; name another one"
        )
    return others


def with_baselines(asked: Asked, class_name: str, others: Sequence[Baseline]) -> Iterator[Asked]:
    """What was asked for, of the same class, with other baselines."""
    for baseline in others:
        yield replace(asked, baseline=baseline, class_name=class_name)


def survival_document(survival: Survival) -> dict[str, Any]:
    """What JSON says of a comparison."""
    return {**asdict(survival), "share": survival.share}


def tell_survivals(survivals: Sequence[Survival]) -> None:
    """Print a table, where anything was compared."""
    if not survivals:
        return
    print(
        f"\nof {survivals[0].before} primitives that are salient in all networks, with another "
        "baseline"
    )
    rows = [
        [
            one.baseline,
            str(one.after),
            str(one.survivors),
            str(one.same_sign),
            f"{one.share:.3f}",
            f"{one.chance:.3f}",
        ]
        for one in survivals
    ]
    head = ["baseline", "salient in all", "survive", "of one sign", "share", "by chance"]
    print_table(head, rows)
