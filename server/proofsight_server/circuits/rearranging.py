"""Numbers that change place: slices, padding, concatenation, flattening, shuffled channels.

Such operations are run on the numbers of numbers.  What comes out says where each number is to be
taken from, whatever the operation was, and is then put in the plainest steps that do it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from proofsight_server.circuits.draft import ZERO, Draft, Piece
from proofsight_server.errors import BadModel
from proofsight_server.symbols.feature import Ints


def rearranged(draft: Draft, elements: Tensor, live: Ints, constant: Tensor) -> Piece:
    """The piece whose numbers are those of earlier pieces.

    Parameters
    ----------
    draft
        Where steps are added.
    elements
        (channels, ...) for each number the one that it is, or ZERO.
    live
        The channels that steps are to give.
    constant
        (1, channels, ...) what the others hold.

    Raises
    ------
    BadModel
        A live channel takes numbers from channels that are constant.
    """
    if not len(live):
        return draft.piece(None, live, constant)
    wanted = elements[torch.from_numpy(live)]
    sources = draft.sources(wanted)
    for piece in sources:
        if piece.shape == tuple(elements.shape) and torch.equal(piece.elements, elements):
            return piece if np.array_equal(piece.live, live) else _selected(draft, piece, live)
    step = (
        _channels(draft, wanted, sources)
        or _flattened(draft, wanted, sources)
        or _cropped(draft, wanted, sources)
        or _gathered(draft, wanted, sources)
    )
    return draft.piece(step, live, constant)


def _selected(draft: Draft, piece: Piece, live: Ints) -> Piece:
    assert piece.step is not None
    step = draft.select(piece.step, np.searchsorted(piece.live, live), len(piece.live))
    return Piece(step, live, piece.constant, piece.elements)


def _channels(draft: Draft, wanted: Tensor, sources: Sequence[Piece]) -> str | None:
    """Whole channels of maps of the same size."""
    if any(piece.shape[1:] != tuple(wanted.shape[1:]) for piece in sources):
        return None
    given = torch.cat([_given(piece) for piece in sources]).flatten(1)
    first = dict(zip(given[:, 0].tolist(), range(len(given)), strict=True))
    rows = wanted.flatten(1)
    places = [first.get(number) for number in rows[:, 0].tolist()]
    found = np.array([-1 if place is None else place for place in places])
    if (found < 0).any() or not torch.equal(given[torch.from_numpy(found)], rows):
        return None
    steps = [_step(piece) for piece in sources]
    joined = steps[0] if len(steps) == 1 else draft.add("Concat", steps)
    return draft.select(joined, found, len(given))


def _flattened(draft: Draft, wanted: Tensor, sources: Sequence[Piece]) -> str | None:
    """Maps laid out in a row, channel by channel."""
    if len(sources) != 1 or wanted.ndim != 1:
        return None
    given = _given(sources[0]).flatten()
    if not torch.equal(given, wanted):
        return None
    return draft.add("Flatten", [_step(sources[0])], {"start_dim": 1})


def _cropped(draft: Draft, wanted: Tensor, sources: Sequence[Piece]) -> str | None:
    """Rows and columns of maps at a stride."""
    if len(sources) != 1 or wanted.ndim != 3 or len(sources[0].shape) != 3:
        return None
    _, height, width = sources[0].shape
    offset = wanted - sources[0].elements.flatten()[0]
    if int(offset.min()) < 0:
        return None
    channel, row, column = offset // (height * width), offset // width % height, offset % width
    rows, columns = row[0, :, 0], column[0, 0, :]
    start = [int(rows[0]), int(columns[0])]
    step = [int(axis[1] - axis[0]) if len(axis) > 1 else 1 for axis in (rows, columns)]
    size = list(wanted.shape[1:])
    spans = [
        torch.arange(begin, begin + (count - 1) * by + 1, by) if by > 0 else axis[:0]
        for begin, by, count, axis in zip(start, step, size, (rows, columns), strict=True)
    ]
    regular = torch.equal(row, spans[0][:, None].expand_as(row)) if len(spans[0]) else False
    regular &= torch.equal(column, spans[1].expand_as(column)) if len(spans[1]) else False
    if not regular or not torch.equal(channel, channel[:, :1, :1].expand_as(channel)):
        return None
    taken = channel[:, 0, 0].numpy()
    places = np.searchsorted(sources[0].live, taken)
    if not np.isin(taken, sources[0].live).all():
        return None
    cropped = draft.add(
        "Crop", [_step(sources[0])], {"start": start, "step": step, "size": size}
    )  # fmt: skip
    return draft.select(cropped, places, len(sources[0].live))


def _gathered(draft: Draft, wanted: Tensor, sources: Sequence[Piece]) -> str:
    """Any numbers from anywhere."""
    given = torch.cat([_given(piece).flatten() for piece in sources])
    # The numbers of live channels rise within a piece, and from piece to piece.
    places = torch.searchsorted(given, wanted).clamp(max=len(given) - 1)
    known = given[places] == wanted
    if not (known | (wanted == ZERO)).all():
        raise BadModel(
            "the network moves constant numbers into maps that depend on the image, which a "
            "shrunk network cannot repeat"
        )
    index = torch.where(known, places + 1, 0)
    options = {"shape": list(wanted.shape)}
    return draft.add("Gather", [_step(piece) for piece in sources], options, {"index": index})


def _given(piece: Piece) -> Tensor:
    """The numbers of the whole tensor that a piece's step gives, in its order."""
    return piece.elements[torch.from_numpy(piece.live)]


def _step(piece: Piece) -> str:
    if piece.step is None:
        raise BadModel(
            "the network moves constant numbers into maps that depend on the image, which a "
            "shrunk network cannot repeat"
        )
    return piece.step
