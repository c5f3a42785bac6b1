"""The facts about one image: what Prolog is told before it reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from proofsight_server.errors import BadFacts
from proofsight_server.symbols.feature import Floats


@dataclass(frozen=True, slots=True)
class Facts:
    """Values of the observable propositions for one image, and what the network predicts.

    `image` is the atom that stands for the image.  `values` has shape (p,) float32 in the
    order of `propositions`; NaN where a proposition's layer was not observed.
    `predictions` are (class, probability), in the order in which they are to be told.
    """

    image: str
    propositions: tuple[str, ...]
    values: Floats
    predictions: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.propositions),) or self.values.dtype != np.float32:
            raise BadFacts(
                f"facts hold one float32 for each of {len(self.propositions)} propositions, not "
                f"{self.values.dtype} of shape {self.values.shape}",
                image=self.image,
            )
        if np.isinf(self.values).any():
            at = int(np.flatnonzero(np.isinf(self.values))[0])
            raise BadFacts(
                f"the value of {self.propositions[at]} is {self.values[at]}; a value is finite, "
                "or NaN where it was not observed",
                image=self.image,
                proposition=self.propositions[at],
            )


def to_prolog(facts: Facts, *, quote: Callable[[str], str]) -> str:
    """Write facts as Prolog clauses, `value/3` then `predicted/3`, one a line.

    `quote` writes an atom as Prolog reads it (`knowledge.atom.quote`).  A number is the
    shortest decimal of the double equal to the float32, so that Prolog compares as numpy does.
    """
    image = quote(facts.image)
    lines = [
        f"value({image}, {quote(name)}, {float(value)!r})."
        for name, value in zip(facts.propositions, facts.values, strict=True)
        if not np.isnan(value)
    ]
    lines += [
        f"predicted({image}, {quote(name)}, {float(np.float32(share))!r})."
        for name, share in facts.predictions
    ]
    return "".join(f"{line}\n" for line in lines)
