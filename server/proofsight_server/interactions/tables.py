"""Score tables: what networks say of every masked version of one image."""

from __future__ import annotations

from dataclasses import dataclass

from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.regions import Regions
from proofsight_server.interactions.score import Score
from proofsight_server.symbols.feature import Floats
from proofsight_server.vision.image import Pixels
from proofsight_server.vision.network import Network


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A network that is asked about the image.

    Attributes
    ----------
    name
        Told in results, such as `digits/3`.
    network
        The network, with its own preprocessing.
    pixels
        (height, width, channels) uint8: the image in the network's mode.
    mean
        (channels,) float32 in 0..255: the mean colour of its training images, where it is known.
    """

    name: str
    network: Network
    pixels: Pixels
    mean: Floats | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What tables cost, from one batch that was timed, and extracting from them.

    `memory` is in bytes; `extracting` in seconds at most, None where it is not known.
    """

    regions: int
    networks: int
    seconds: float
    memory: int
    extracting: float | None = None

    def __str__(self) -> str:
        further = "" if self.extracting is None else f", then {_time(self.extracting)} at most"
        return (
            f"2^{self.regions} masked images for each of {self.networks} network(s): about "
            f"{_time(self.seconds)} for their scores{further}"
            f"{' to extract interactions' if further else ''}; {_size(self.memory)} of memory"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Scores of every mask, and what they are of.

    Attributes
    ----------
    tables
        (networks, 2^regions) float64; bit i of the index is set where region i is kept.
    networks
        Their names.
    class_name
        The class that is explained.
    score, baseline
        What is computed of the logits; what masked regions show.
    regions
        Those that matter, numbered anew.
    dropped
        Names of regions that change no network's input: they are in no interaction.
    tops
        The top class of each network for the whole image.
    rounding
        (networks,) the greatest error of float32 forward passes that was seen, as a share of what
        the noise box allows at the highest order; above 1 it is more than the box takes up.
    shortcut
        (networks,) the greatest deviation of the first layer's short cut from plain forward
        passes, in logits; NaN where the short cut was not taken.
    warnings
        What a reader should know.
    """

    tables: Doubles
    networks: tuple[str, ...]
    class_name: str
    score: Score
    baseline: str
    regions: Regions
    dropped: tuple[str, ...]
    tops: tuple[str, ...]
    rounding: tuple[float, ...]
    shortcut: tuple[float, ...]
    warnings: tuple[str, ...]


def _time(seconds: float) -> str:
    for size, unit in ((3.156e7, "years"), (86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.1f} seconds"


def _size(count: float) -> str:
    for size, unit in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1024:.0f} KiB"
