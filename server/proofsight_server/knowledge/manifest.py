"""The manifest of a revision: what its files are, where they come from, and what was measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from proofsight_server.errors import BadRevision
from proofsight_server.symbols.feature import Reduction
from proofsight_server.symbols.quantisation import Quantisation

SCHEMA = 1
DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything about a revision that is not a program or a weight; all of it plain JSON.

    Attributes
    ----------
    created
        When the revision was made, UTC, ISO 8601 with a final Z.
    versions
        Of Proofsight, Python, torch, numpy, scikit-learn and so on, by name.
    classes
        The network's classes, in the order of its outputs.
    model, model_options, input_shape
        The architecture (`small-cnn`, `torchvision:NAME`, `module:factory`), its sizes, and the
        (channels, height, width) that it takes.
    preprocessing
        From an image to the network's input.
    training
        What the weights say of their training; empty where they say nothing.
    data
        `uri`, `fingerprint` (sha256 of the content) and split `seed` of the data set.
    method
        Learner, its options, quantiser and its options, layers as asked for, seed.
    figures
        What was measured on each split, and the size of the program.
    layers
        The layers that are read: atom, module, kind, size, reads.
    default_reduction
        The reduction that names of propositions leave unsaid.
    scales, rates
        Standard deviation of the feature and activity of the bit on the training images, by
        name of the proposition.
    aliases, dropped
        Features that were merged into others (merged, representative, whether their bits are
        equal or complementary), and features that were dropped because their bit never changes.
    files
        sha256 of each file of the revision, hexadecimal, by name.
    rules
        `rules.pl` as it was published, which an edit in place is compared with; empty where the
        revision is older than this.
    revised
        What a revision made from another says of that: `parent` and its etag, changed `files`,
        `edits`, `author`, `note`, the `basis` of its figures, and the `comparison` with its
        parent; empty for an extracted one.
    """

    created: str
    versions: Mapping[str, str]
    classes: tuple[str, ...]
    model: str
    model_options: Mapping[str, Any]
    input_shape: tuple[int, int, int]
    preprocessing: Mapping[str, Any]
    training: Mapping[str, Any]
    data: Mapping[str, Any]
    method: Mapping[str, Any]
    figures: Mapping[str, Any]
    layers: tuple[Mapping[str, Any], ...] = ()
    default_reduction: Reduction = "l1"
    scales: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    aliases: tuple[tuple[str, str, bool], ...] = ()
    dropped: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    rules: str = ""
    revised: Mapping[str, Any] = field(default_factory=dict)

    def describing(self, quantisation: Quantisation) -> Manifest:
        """The manifest with what is known of a quantisation beyond its text."""
        names = quantisation.names
        return replace(
            self,
            layers=tuple(map(asdict, quantisation.layers)),
            default_reduction=quantisation.default_reduction,
            scales=dict(zip(names, quantisation.scales, strict=False)),
            rates=dict(zip(names, quantisation.rates, strict=False)),
            aliases=quantisation.aliases,
            dropped=quantisation.dropped,
        )

    def to_json(self) -> str:
        """The text of `manifest.json`, with its schema version and its own digest."""
        content = {"schema": SCHEMA, **asdict(self)}
        return json.dumps({**content, DIGEST: _digest(content)}, **_LAYOUT) + "\n"

    @staticmethod
    def from_json(text: str) -> Manifest:
        """The manifest behind the text of `manifest.json`.

        Raises
        ------
        BadRevision
            Not JSON, of another schema, changed since it was written, or without a part.
        """
        content = _content(text)
        names = [f.name for f in fields(Manifest)]
        missing = [name for name in names if name not in content and name not in _LATER]
        if missing:
            raise BadRevision(f"manifest.json lacks {', '.join(missing)}; extract the rules again")
        values = {name: content[name] for name in names if name in content}
        for name, convert in _TUPLES.items():
            values[name] = convert(values[name])
        return Manifest(**values)


_LATER = ("rules", "revised")  # what manifests of this schema did not have from the beginning
_TUPLES: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "classes": tuple,
    "input_shape": tuple,
    "layers": tuple,
    "aliases": lambda rows: tuple(map(tuple, rows)),
    "dropped": tuple,
}
_LAYOUT: dict[str, Any] = {"indent": 1, "ensure_ascii": False, "allow_nan": False}


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _content(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise BadRevision(
            f"manifest.json is no JSON ({error}), so it was cut off or damaged; "
            "extract the rules again"
        ) from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise BadRevision(
            f"manifest.json has schema {schema!r} and this Proofsight reads schema {SCHEMA}; "
            "use the version that wrote it, or extract the rules again",
            schema=schema,
        )
    claimed = content.pop(DIGEST, None)
    if claimed != _digest(content):
        raise BadRevision(
            "manifest.json was changed since it was written: its digest does not fit. "
            "Only the .pl files may be edited; put the manifest back or extract the rules again"
        )
    return dict(content)
