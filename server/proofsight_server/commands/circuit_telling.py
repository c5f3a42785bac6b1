"""A circuit for people to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# Of what `auto` did not take, so many are told; the report has all.
_TOLD = 3


def tell(document: Mapping[str, Any]) -> None:
    """Print what was found, how faithful it is, and where its files are."""
    for line in lines(document):
        print(line)


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """What `tell` prints, line by line."""
    of = f"{document['target']} in {document['revision']}"
    if document["collapse"]:
        # Of older servers' answers nothing is known of the selection.
        connected = ", or --selection connected" if document.get("selection") == "ranked" else ""
        yield (
            f"circuit of {of}: collapsed at keep {document['keep']:g} by {document['criterion']}: "
            f"none of the {document['kept']} kernels kept is on a path from the image to it; "
            f"nothing is stored; keep more{connected}"
        )
    else:
        yield (
            f"circuit {document['circuit']} of {of}: {document['kernels']:,} of "
            f"{document['total_kernels']:,} kernels (keep {document['keep']:g} by "
            f"{document['criterion']}, effective {document['effective_keep']:.4f})"
        )
    if document.get("added"):
        layer = document["layers"][-1]["layer"]
        yield (
            f"  of {layer} alone: what rules read of {layer} has {', '.join(document['added'])} "
            "added to it"
        )
    yield from _chosen(document)
    yield from _faithful(document)
    yield "  layer         kept   of"
    for layer in document["layers"]:
        yield f"  {layer['layer']:<10} {layer['kept']:>7,}   {layer['kernels']:,}"
    yield from _curve(document)
    if "shrunk" in document:
        yield from _shrunk(document["shrunk"])
    if "split" in document:
        yield from split_lines(document["split"])
    for kind, path in document["files"].items():
        yield f"{kind}: {path}"


def tell_compared(document: Mapping[str, Any]) -> None:
    """Print what two circuits share, and where the page of it is."""
    for line in compared_lines(document):
        print(line)


def compared_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """What is told of two circuits, from what `compare_circuits` gave."""
    first, second = document["circuits"]
    total = document["total"]
    yield (
        f"{first} and {second} in {document['revision']}: {total['both']:,} kernels shared, "
        f"{total['first']:,} in the first alone, {total['second']:,} in the second alone, "
        f"IoU {_number(total['iou'])}"
    )
    yield "  layer       shared    first   second   IoU"
    for layer in document["layers"]:
        yield (
            f"  {layer['layer']:<10} {layer['both']:>7,}  {layer['first']:>7,}  "
            f"{layer['second']:>7,}   {_number(layer['iou'])}"
        )
    yield f"page: {document['files']['page']}"


def split_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What is told of routes, from what `Split.to_json` gave."""
    if not found["found"]:
        yield f"routes of {found['images']} images: {found['reason']}"
        return
    tested = found["circuits"]
    sizes = " and ".join(str(len(group)) for group in tested["groups"])
    yield (
        f"routes of {found['images']} images: groups of {sizes} have circuits of their own, which "
        f"err by {tested['separation']:.3f} more on the others' images; shuffled groups' by "
        f"{max(tested['shuffled']):.3f} at most"
    )
    for level in tested["levels"]:
        errors = "; ".join(" ".join(_number(value) for value in row) for row in level["errors"])
        yield f"  keep {level['keep']:<6g} errors, a row per circuit, a column per group: {errors}"


def _chosen(document: Mapping[str, Any]) -> Iterator[str]:
    """What `auto` took, and how the next best did on the images it was chosen by."""
    if not document.get("chosen"):
        return
    chosen, choice = document["chosen"], document["choice"]
    others = sorted((one for one in choice.items() if one[0] != chosen), key=lambda one: -one[1])
    told = "; ".join(f"{name} {_number(strength)}" for name, strength in others[:_TOLD])
    more = f"; {len(others) - _TOLD} more below" if len(others) > _TOLD else ""
    yield (
        f"  auto took {chosen}: |r| {_number(choice[chosen])} on images for the choice alone, then "
        f"{told}{more}"
    )


def _faithful(document: Mapping[str, Any]) -> Iterator[str]:
    figures, images = document["figures"], document["images"]
    for part, noun in (("held_out", "held-out"), ("in_sample", "scored")):
        found = figures[part]
        agreement = found["agreement"]
        also = "" if agreement is None else f", same decision {agreement:.3f}"
        constant = ", constant" if found["constant"] else ""
        yield (
            f"  {images[part]} {noun} images: r {_number(found['r'])}, slope "
            f"{_number(found['slope'])}, error {_number(found['nmae'])}{also}{constant}"
        )


def _curve(document: Mapping[str, Any]) -> Iterator[str]:
    yield "  keep    effective   r held out"
    for level in document["curve"]:
        found = level["held_out"]
        told = "collapse" if found["collapse"] else _number(found["r"])
        yield f"  {level['keep']:<7g} {level['effective_keep']:<11.4f} {told}"


def _shrunk(shrunk: Mapping[str, Any]) -> Iterator[str]:
    seconds = shrunk["seconds"]
    relative = shrunk["exactness"]["relative"]
    yield (
        f"shrunk: {shrunk['file']}: {shrunk['live_filters']} of {shrunk['filters']} filters, "
        f"{shrunk['shrunk_weights']:,} of {shrunk['weights']:,} weights and "
        f"{shrunk['shrunk_constants']:,} constants, {shrunk['shrunk_macs']:,} of "
        f"{shrunk['macs']:,} multiplications per image"
    )
    yield (
        f"  differs from the masked network by {_number(relative)} deviations at most; "
        f"{seconds['images']} images take {seconds['shrunk']:.4f} s, masked "
        f"{seconds['masked']:.4f} s, whole {seconds['network']:.4f} s"
    )


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3g}"
