"""The gallery of a revision as its successor takes it along: the same pictures, told anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofsight_server.extraction.gallery import Gallery, add_gallery
from proofsight_server.extraction.gallery_document import SCHEMA, told
from proofsight_server.extraction.gallery_files import ROOM
from proofsight_server.knowledge.revision import Revision


@dataclass(frozen=True, slots=True)
class CarriedGallery:
    """The newest gallery of a revision: its directory, and what its index says."""

    directory: Path
    document: Mapping[str, Any]

    def files(self) -> dict[str, Path]:
        """The pictures that it shows, by their place in a revision."""
        return {
            f"{ROOM}/{path}": self.directory / path
            for path in dict.fromkeys(_pictures(self.document))
        }

    def add_to(self, revision: Revision) -> Gallery:
        """Add its pages to a revision that has its pictures, with that one's labels and rules.

        Raises
        ------
        BadRevision
            What is in the revision's `gallery/` was changed.
        """
        return add_gallery(revision, told(self.document, revision))


def carried_gallery(directory: Path) -> CarriedGallery | None:
    """The newest gallery in a revision's directory; None without one that can be read."""
    room = directory / ROOM
    found = sorted(room.glob("index-*.json"), key=lambda path: (path.stat().st_mtime, path.name))
    for path in reversed(found):
        try:
            document = json.loads(path.read_bytes())
            carried = CarriedGallery(room, document)
            if document["schema"] == SCHEMA and all(f.is_file() for f in carried.files().values()):
                return carried
        except (ValueError, KeyError, TypeError):
            continue  # of another schema, or not ours
    return None


def _pictures(document: Mapping[str, Any]) -> Iterator[str]:
    for entry in (*document["propositions"], *document["logits"]):
        if entry["ascent"] is not None:
            yield entry["ascent"]["picture"]
        for image in entry["images"]:
            yield image["crop"]
            if image["whole"] is not None:
                yield image["whole"]
            if image["smoothgrad"] is not None:
                yield image["smoothgrad"]["picture"]
