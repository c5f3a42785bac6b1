"""Pages of lists, with tokens that name where the next page starts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from proofsight_server.errors import BadOption

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000
Item = TypeVar("Item")


def page(
    items: Sequence[Item], *, size: int, token: str, stamp: str = ""
) -> tuple[Sequence[Item], str]:
    """The page that starts at `token`, and the token of the next (empty: none).

    `stamp` ties tokens to what was listed: with another stamp a token is refused, so that
    no page is ever cut from a list that has changed. Raises BadOption.
    """
    if size < 0 or size > LARGEST_PAGE:
        raise BadOption(
            f"page_size must lie in 0..{LARGEST_PAGE}, not {size}", field="page_size", value=size
        )
    start = _start(token, stamp)
    if start > len(items):
        raise BadOption("page_token points past the end; start again", field="page_token")
    stop = start + (size or DEFAULT_PAGE)
    return items[start:stop], _token(stop, stamp) if stop < len(items) else ""


def _token(start: int, stamp: str) -> str:
    return base64.urlsafe_b64encode(f"{start}:{stamp}".encode()).decode()


def _start(token: str, stamp: str) -> int:
    if not token:
        return 0
    try:
        start, _, seen = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if seen != stamp:
            raise BadOption("the list has changed; start without page_token", field="page_token")
        return int(start)
    except (binascii.Error, UnicodeError, ValueError) as error:
        if isinstance(error, BadOption):
            raise
        raise BadOption(
            "page_token is none of ours; leave it empty for the first page", field="page_token"
        ) from error
