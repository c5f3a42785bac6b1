"""The figures of a gallery's pages: an image of the data with its pictures, or one made for it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any


def image_figure(image: Mapping[str, Any]) -> str:
    """One image of a proposition: its crop, itself with marks, and what the feature rises with."""
    told, decision = image["class"], image["decision"]
    said = decision if told in (None, decision) else f"{told}, decided {decision}"
    pictures = [_picture(image["crop"], "what is seen")]
    if image["whole"] is not None:
        pictures.append(_picture(image["whole"], "the whole image"))
    note = ""
    if image.get("smoothgrad"):
        pictures.append(_picture(image["smoothgrad"]["picture"], "SmoothGrad"))
        if image["smoothgrad"]["constant"]:
            note = "<br>all pixels equal: the plain gradient"
    return (
        f"<figure{'' if image['active'] else ' class=off'}>{' '.join(pictures)}"
        f"<figcaption>{escape(image['id'])}: {image['value']:.4g}<br>{escape(said)}{note}"
        "</figcaption></figure>\n"
    )


def ascent_figure(ascent: Mapping[str, Any]) -> str:
    """The image that was made for a number, with its value beside the best real one."""
    value = f"{ascent['value']:.4g}<br>best real image: {ascent['best']:.4g}"
    if not ascent["moved"]:
        value += "<br>it never rose: no gradient where it began"
    return (
        f"<figure class=made>{_picture(ascent['picture'], 'made by gradient ascent')}"
        f"<figcaption>made by ascent: {value}</figcaption></figure>\n"
    )


def gradient_legend(document: Mapping[str, Any]) -> str:
    """What the colours of SmoothGrad maps and made images mean; nothing where there are none."""
    text = ""
    smooth = document.get("smoothgrad")
    if smooth is not None:
        colours = (
            '<b class="rises">orange</b> where the number depends on pixels most'
            if smooth["squared"]
            else 'the number rises with the brightness of <b class="rises">orange</b> pixels and '
            'falls with that of <b class="falls">purple</b> ones'
        )
        text += (
            f" SmoothGrad: {colours}; the mean of {smooth['samples']} "
            f"{'squared ' if smooth['squared'] else ''}gradients under noise of "
            f"{smooth['noise']:.0%} of the image's range, each map in a scale of its own."
        )
    if document.get("ascent") is not None:
        text += (
            " Dashed: no photograph, but an image made for the number by gradient ascent; it "
            "shows what the number likes, not what the data looks like."
        )
    return text


def _picture(path: str, alt: str) -> str:
    return f'<img loading=lazy src="{escape(path)}" alt="{escape(alt)}">'
