"""On which images terms hold, 64 images to a word, where an input may be undecided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsight_server.rules.columns import packed
from proofsight_server.rules.implicant_search import Term
from proofsight_server.symbols.feature import Bools, Ints

Words = NDArray[np.uint64]
_AT_ONCE = 1 << 20  # words


@dataclass(frozen=True, slots=True)
class Truth:
    """Per input the images where it is known to be 1, and those where it is known to be 0.

    `rows` (2 n, words): row 2 i is "input i is 0", row 2 i + 1 "input i is 1"; `images` says how
    many bits count.
    """

    rows: Words
    images: int

    @classmethod
    def of(cls, active: Bools, inactive: Bools | None = None) -> Truth:
        """From (images, n) each; without the second every input is one or the other."""
        other = ~active if inactive is None else inactive
        both = np.stack([other.T, active.T], axis=1).reshape(-1, len(active))
        return cls(packed(both), len(active))

    def none(self) -> Words:
        """No image, (words,)."""
        return np.zeros(self.rows.shape[1], dtype=np.uint64)

    def unpacked(self, words: Words) -> Bools:
        """Words (..., words) as one truth value per image, (..., images)."""
        bits = np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little", count=self.images)
        return bits.view(np.bool_)


@dataclass(frozen=True, slots=True)
class Held:
    """Where the terms of a formula hold.

    Attributes
    ----------
    some
        (images,) whether any does.
    by_length
        The lengths of terms there are, and for each whether a term of at most that length holds.
    counts, hits
        (terms,) on how many images each holds, and on how many of those that were wanted.
    """

    some: Bools
    by_length: tuple[tuple[int, Bools], ...]
    counts: Ints
    hits: Ints


def held(terms: Sequence[Term], truth: Truth, wanted: Bools) -> Held:
    """Where terms, by length, hold; `wanted` (images,) is what they are to imply."""
    aim = packed(wanted[None])[0]
    whole = packed(np.ones((1, truth.images), dtype=np.bool_))[0]
    sofar = truth.none()
    counts, hits, lengths = [], [], []
    for length, block in _blocks(terms, truth.rows.shape[1]):
        words = np.broadcast_to(whole, (len(block), len(whole))).copy()
        for column in range(length):
            words &= truth.rows[block[:, column]]
        counts.append(np.bitwise_count(words).sum(axis=1, dtype=np.int64))
        hits.append(np.bitwise_count(words & aim).sum(axis=1, dtype=np.int64))
        sofar = sofar | np.bitwise_or.reduce(words, axis=0)
        lengths.append((length, sofar))
    by_length = {length: truth.unpacked(words) for length, words in lengths}
    nothing: Ints = np.zeros(0, dtype=np.int64)
    return Held(
        truth.unpacked(sofar),
        tuple(by_length.items()),
        np.concatenate([nothing, *counts]),
        np.concatenate([nothing, *hits]),
    )


def _blocks(terms: Sequence[Term], words: int) -> Iterator[tuple[int, Ints]]:
    """Terms of one length each, as rows of `Truth`, (block, length), in their order."""
    size = max(1, _AT_ONCE // max(words, 1))
    start = 0
    while start < len(terms):
        length = len(terms[start])
        end = start
        while end < len(terms) and len(terms[end]) == length and end - start < size:
            end += 1
        rows = [[2 * at + polarity for at, polarity in term] for term in terms[start:end]]
        yield length, np.array(rows, dtype=np.int64).reshape(end - start, length)
        start = end
