"""Where the files of a gallery are in their revision."""

from __future__ import annotations

from PIL import Image

from proofsight_server.knowledge.annex import add_annex, named_by_content
from proofsight_server.knowledge.revision import Revision
from proofsight_server.vision.overlay import encoded

ROOM = "gallery"


def add_picture(revision: Revision, kind: str, image: Image.Image, *, lossless: bool) -> str:
    """Add a picture under a name of its kind and content, and answer its path in the gallery."""
    data, suffix = encoded(image, lossless=lossless)
    path = named_by_content(f"{ROOM}/pictures/{kind}{suffix}", data)
    add_annex(revision, path, data)
    return path.removeprefix(f"{ROOM}/")
