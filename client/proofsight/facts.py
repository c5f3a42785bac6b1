"""What the network saw in one image."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from proofsight.errors import BadFacts


class Prediction(NamedTuple):
    """One class of the network and its probability, 0..1."""

    class_name: str
    probability: float


class Region(NamedTuple):
    """A rectangle of the network's input, as shares of its width and height, 0..1."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Facts:
    """The feature values of one image behind a revision's propositions.

    Facts of an earlier answer stand for their image in every question; the network is then
    not run again. Leaving a layer's propositions out lets the program derive them by rules.

    Attributes
    ----------
    propositions
        Names, in the order of `values`. Empty: all observable propositions of the revision,
        in its own order.
    values
        Feature values, float32 widened to double. Numbers that are handed in are rounded to
        float32, since that is what crosses the wire and what thresholds are compared with.
    predictions
        The network's classes by falling probability; empty where unknown.
    regions
        Where in the image each value comes from; empty unless asked for.
    measured
        (proposition, value) above the layer at which the program was entered: what the network
        says of what rules derive. For comparison; it never decides.

    Raises
    ------
    BadFacts
        There are names or regions, and not one for each value.
    """

    propositions: tuple[str, ...]
    values: tuple[float, ...]
    predictions: tuple[Prediction, ...] = ()
    regions: tuple[Region, ...] = ()
    revision: str = ""
    quantiser_etag: str = ""
    measured: tuple[tuple[str, float], ...] = ()
    _encoded: bytes = field(default=b"", init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "propositions", tuple(self.propositions))
        object.__setattr__(self, "values", tuple(array("f", self.values)))
        for name, column in (("propositions", self.propositions), ("regions", self.regions)):
            if column and len(column) != len(self.values):
                raise BadFacts(
                    f"{len(column)} {name} do not go with {len(self.values)} values; "
                    "give one for each, or none",
                    "INVALID_ARGUMENT",
                    "BAD_FACTS",
                    {"field": name},
                )

    def __getitem__(self, proposition: str) -> float:
        """The value of a proposition. Raises KeyError, also where there are no names."""
        try:
            return self.values[self.propositions.index(proposition)]
        except ValueError:
            raise KeyError(proposition) from None

    def __len__(self) -> int:
        return len(self.values)

    def to_dict(self) -> dict[str, Any]:
        """JSON ready; `values` is an object by name, or an array where there are no names."""
        answer: dict[str, Any] = {
            "revision": self.revision,
            "quantiser_etag": self.quantiser_etag,
            "values": self._column(self.values),
            "predictions": [
                {"class": name, "probability": probability}
                for name, probability in self.predictions
            ],
        }
        if self.measured:
            answer["measured"] = dict(self.measured)
        if self.regions:
            answer["regions"] = self._column([list(region) for region in self.regions])
        return answer

    def _column(self, items: Any) -> Any:
        if self.propositions:
            return dict(zip(self.propositions, items, strict=True))
        return list(items)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Facts:
        """The inverse of `to_dict`; keys that it does not know are ignored. Raises BadFacts."""
        try:
            values, regions = data["values"], data.get("regions") or ()
            names = tuple(values) if isinstance(values, Mapping) else ()
            if names and regions:
                regions = [regions[name] for name in names]
            return cls(
                propositions=tuple(sys.intern(name) for name in names),
                values=tuple(values.values()) if names else tuple(values),
                predictions=tuple(
                    Prediction(entry["class"], entry["probability"])
                    for entry in data.get("predictions", ())
                ),
                regions=tuple(Region(*region) for region in regions),
                revision=data.get("revision", ""),
                quantiser_etag=data.get("quantiser_etag", ""),
                measured=tuple(data.get("measured", {}).items()),
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise BadFacts(
                f"these are no facts as `proofsight facts --json` prints them: {error!r}",
                "INVALID_ARGUMENT",
                "BAD_FACTS",
            ) from error

    def to_prolog(self, image: str = "img") -> str:
        """`value/3`, `measured/3` and `predicted/3` about the atom `image`, one fact a line."""
        from proofsight.rendering.terms import fact_lines

        return "".join(f"{line}\n" for line in fact_lines(self, image))
