"""The gallery of a revision: for each proposition the images where it is strongest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofsight_server.extraction.exemplars import Exhibition, chosen, exhibit
from proofsight_server.extraction.gallery_document import Gathered, gallery_document
from proofsight_server.extraction.gallery_files import ROOM, add_picture
from proofsight_server.extraction.gallery_pages import gallery_pages, shown_classes
from proofsight_server.extraction.gradient_pictures import GradientOptions, GradientPictures
from proofsight_server.extraction.progress import Watch
from proofsight_server.extraction.sights import fields_of, sights
from proofsight_server.knowledge.annex import add_annex, named_by_content
from proofsight_server.knowledge.publication import sweep
from proofsight_server.knowledge.revision import Revision
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.network import Network
from proofsight_server.vision.overlay import enlarged, is_tiny

TOP = 10


@dataclass(frozen=True, slots=True)
class Gallery:
    """A gallery in its revision: the page to open, its index, and what the index says."""

    page: Path
    index: Path
    document: Mapping[str, Any]


def build_gallery(
    revision: Revision,
    dataset: Dataset,
    network: Network,
    *,
    top: int = TOP,
    everything: bool = False,
    gradients: GradientOptions | None = None,
    watch: Watch | None = None,
) -> Gallery:
    """Make the gallery of a revision and add it as an annex.

    Per proposition the `top` training images of greatest feature value, ties by image id: each
    cropped to what the channel sees at its strongest position (within its cell, the first of
    equals), and whole, with the upsampled map over it and field and cell drawn; a unit sees the
    whole image.  On request SmoothGrad maps of them, and an image made for the feature; then
    the same of the logits of the classes that the program decides.  Besides a page with all
    propositions there is one per class, with its rules and their literals' pictures.  Files are
    named by content, so the same gallery twice is one, and another one stands beside it.

    Parameters
    ----------
    everything
        All propositions instead of those that the program uses.
    gradients
        Which pictures by gradients; None: none.

    Raises
    ------
    BadDataset
        Its classes are not the network's, or it has no training images.
    BadOption
        There is no proposition to show.
    BadRevision
        What is in the revision's `gallery/` was changed.
    BadModel
        Pictures by gradients are asked for, and the network has none, or none that are finite.
    """
    watch, gradients = watch or Watch(), gradients or GradientOptions()
    propositions = chosen(revision, everything=everything)
    exhibition = exhibit(revision, dataset, network, propositions, top=top, watch=watch)
    fields = fields_of(revision, network, exhibition)
    seen = dict(sights(revision, network, exhibition, fields, watch))
    drawn, logits = _by_gradients(revision, network, exhibition, gradients, top, watch)
    gathered = Gathered(dataset.uri, exhibition, fields, seen, drawn, logits, gradients)
    return add_gallery(revision, gallery_document(revision, gathered, top))


def add_gallery(revision: Revision, document: Mapping[str, Any]) -> Gallery:
    """Add the pages and the index of a gallery whose pictures are in the revision.

    Raises
    ------
    BadRevision
        What is in the revision's `gallery/` was changed.
    """
    first, *others = gallery_pages(document).items()
    for name, text in others:
        add_annex(revision, f"{ROOM}/{name}", text.encode())
    index = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()
    gallery = Gallery(
        add_annex(revision, f"{ROOM}/{first[0]}", first[1].encode()),
        add_annex(revision, named_by_content(f"{ROOM}/index.json", index), index),
        document,
    )
    sweep(gallery.page.parent)
    return gallery


def _by_gradients(
    revision: Revision,
    network: Network,
    exhibition: Exhibition,
    options: GradientOptions,
    top: int,
    watch: Watch,
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """What is drawn by gradients: of each proposition, by name, and of the logits of classes."""
    if not options.any:
        return {}, []
    pictures = GradientPictures(revision, network, exhibition, options)
    classes = [
        name for name in revision.manifest.classes if name in shown_classes(revision.program)
    ]
    report, count = watch.phase("following gradients"), len(exhibition.exemplars) + len(classes)
    drawn = {}
    for done, one in enumerate(exhibition.exemplars, start=1):
        drawn[one.proposition.name] = pictures.of_proposition(one)
        report(done, count)
    logits = []
    for done, name in enumerate(classes, start=len(drawn) + 1):
        logits.append(_of_logit(revision, exhibition, pictures, name, top))
        report(done, count)
    return drawn, logits


def _of_logit(
    revision: Revision, exhibition: Exhibition, pictures: GradientPictures, name: str, top: int
) -> dict[str, Any]:
    """The images of greatest logit of a class, and what is drawn by its gradients."""
    classes = revision.manifest.classes
    index, split = classes.index(name), exhibition.split
    values = exhibition.logits[:, index]
    images = exhibition.strongest(values, top)
    drawn = pictures.of_logit(index, images, float(values[images[0]]))
    entries = []
    for image, sensitivity in zip(images, drawn["smoothgrad"], strict=True):
        picture = split.images[int(image)]
        entries.append({
            "id": split.ids[int(image)],
            "value": float(values[image]),
            "class": classes[exhibition.classes[image]] if exhibition.labelled else None,
            "decision": classes[exhibition.decisions[image]],
            "crop": add_picture(
                revision, "image", enlarged(picture), lossless=is_tiny(picture)
            ),
            "whole": None,
            "active": True,
            "smoothgrad": sensitivity,
        })  # fmt: skip
    return {"class": name, "ascent": drawn["ascent"], "images": entries}
