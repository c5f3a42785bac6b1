"""Bits by column, of which any set of images is counted fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from proofsight_server.symbols.feature import Bools, Ints

_BY_ROW = 16  # where less than one image in so many is counted, going by rows is faster
_OCTET = 255  # what a sum in bytes, the fastest there is, can hold
_BLOCK = 256  # images transposed at once, so that they stay in the processor's cache


class Columns:
    """Bits (n, p) to be counted over sets of images, which are arrays (k,) of their places.

    Large sets are counted 64 images at a time: 10,000 images over 512 columns in 0.14 ms, where
    a product of float32 matrices takes 1 to 3 ms.  Small ones row by row: 100 in 0.01 ms.

    Attributes
    ----------
    bits
        The bits (n, p) as they were given, but in an order of memory that makes columns cheap.
    """

    def __init__(self, bits: Bools) -> None:
        columns = np.empty(bits.shape[::-1], dtype=np.bool_)
        for start in range(0, len(bits), _BLOCK):
            columns[:, start : start + _BLOCK] = bits[start : start + _BLOCK].T
        self.bits: Bools = columns.T
        self._words = packed(columns)
        self._rows = np.ascontiguousarray(bits).view(np.uint8)

    def holds(self, literal: tuple[int, bool], images: Ints) -> Bools:
        """Return on which of the images the (column, positive) literal holds, (k,)."""
        column, positive = literal
        active: Bools = self.bits[:, column].take(images)
        return active if positive else ~active

    def counts(self, images: Ints) -> Ints:
        """Return on how many of the images each column is active, (p,)."""
        if _BY_ROW * len(images) > len(self.bits):
            members = np.zeros((1, len(self.bits)), dtype=np.bool_)
            members[0, images] = True
            together = self._words & packed(members)
            found: Ints = np.bitwise_count(together).sum(axis=1, dtype=np.int64)
            return found
        rows = self._rows.take(images, axis=0)
        found = np.zeros(rows.shape[1], dtype=np.int64)
        for start in range(0, len(rows), _OCTET):
            found += np.add.reduce(rows[start : start + _OCTET], axis=0, dtype=np.uint8)
        return found


def packed(rows: Bools) -> NDArray[np.uint64]:
    """Rows (k, n) as words of 64 bits each, (k, ⌈n/64⌉); what is left over is zero."""
    octets = np.packbits(rows, axis=1, bitorder="little")
    words = np.zeros((len(octets), -(-octets.shape[1] // 8)), dtype=np.uint64)
    words.view(np.uint8)[:, : octets.shape[1]] = octets
    return words
