"""Multinomial logistic regression on bits: sparse along a path of penalties, and then sparser.

Source of the penalty: Tibshirani, https://doi.org/10.1111/j.2517-6161.1996.tb02080.x; of the
method: Beck and Teboulle's FISTA, https://doi.org/10.1137/080716542.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proofsight_server.symbols.feature import Bools, Floats, Ints

Doubles = npt.NDArray[np.float64]
Proximal = Callable[[Floats], Floats]

_STEPS = 100  # of one fit at most; the next begins where it ends
_ITERATIONS = 100  # of one fit without penalty at most
_STILL = 3e-4  # a fit ends where no weight moves by more
_JOINING = 0.25  # columns that join a fit at once, as a share of those in it
_FINEST = 3e-3  # the last penalty of a path, as a share of the first
_KEPT = 0.85  # of the weights, from one fit with fewer to the next
_RIDGE = 1e-3  # against over-fitting, and for weights that stay finite where no image is wrong


@dataclass(frozen=True, slots=True)
class Weights:
    """Logits are `bits @ table + bias`: `table` (p, classes), `bias` (classes,)."""

    table: Floats
    bias: Floats

    @property
    def used(self) -> int:
        """How many weights are not 0, bias apart."""
        return int(np.count_nonzero(self.table))


class Regression:
    """The loss of multinomial regression on fixed images, and its minima.

    Parameters
    ----------
    bits
        (n, p) of the images.
    target
        (n,) class indices.
    classes
        How many there are.
    """

    def __init__(self, bits: Bools, target: Ints, classes: int) -> None:
        # Around their means, columns are far less alike, and a fit takes a tenth of the steps.
        self._means = bits.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._bits = bits.astype(np.float32) - self._means
        self._deviations = bits.std(axis=0)
        self._wanted = np.zeros((len(target), classes), dtype=np.float32)
        self._wanted[np.arange(len(target)), target] = 1
        # the loss is smooth with half of the largest eigenvalue of the Gram matrix
        gram = (self._bits.T @ self._bits / np.float32(len(bits))).astype(np.float64)
        largest = max(1.0, float(np.linalg.eigvalsh(gram)[-1])) if bits.size else 1.0
        self._step = np.float32(2 / largest)

    def path(self, count: int) -> Iterator[Weights]:
        """Yield `count` fits with falling penalty, the first with the bias alone.

        Logits are those of bits around their means; see `plain`.
        """
        shares = self._wanted.mean(axis=0, dtype=np.float64)
        bias = np.log(np.maximum(shares, 1e-9)).astype(np.float32)
        start = Weights(np.zeros((self._bits.shape[1], len(bias)), dtype=np.float32), bias)
        gradient = self._gradient(start, np.arange(self._bits.shape[1]))[0]
        largest = float(np.abs(gradient).max(initial=0))
        weights = start
        yield weights
        for penalty in largest * np.geomspace(1, _FINEST, count)[1:]:
            weights = self._penalised(weights, float(penalty))
            yield weights

    def narrowed(self, weights: Weights, size: int) -> Iterator[Weights]:
        """Yield fits with fewer and fewer weights, the last with at most `size`.

        Those that move logits least go, a few at a time, and the others are fitted again, nearly
        without penalty: what an L1 penalty alone would choose is worse, since it shrinks.
        """
        while True:
            strength = np.abs(weights.table) * self._deviations[:, None]
            count = max(size, int(_KEPT * weights.used))
            allowed = strength > 0
            if weights.used > count:
                allowed &= strength >= np.sort(strength, axis=None)[-count]
            weights = self._refitted(weights, allowed)
            yield weights
            if weights.used <= size:
                return

    def plain(self, weights: Weights) -> Weights:
        """The same logits of the bits as they are."""
        return Weights(weights.table, weights.bias - self._means @ weights.table)

    def _refitted(self, weights: Weights, allowed: Bools) -> Weights:
        """The minimum over the allowed weights, nearly without penalty."""
        # scipy.optimize takes half a second to import, and only learning needs it
        from scipy.optimize import minimize

        columns = np.flatnonzero(allowed.any(axis=1))
        bits, mask = self._bits[:, columns], allowed[columns]
        entries = int(np.count_nonzero(mask))
        table = np.zeros(mask.shape, dtype=np.float32)

        def objective(point: Doubles) -> tuple[float, Doubles]:
            table[mask] = point[:entries]
            loss, by_bit, of_bias = self._loss(bits, table, point[entries:].astype(np.float32))
            slope = np.concatenate([by_bit[mask], of_bias]).astype(np.float64)
            slope[:entries] += _RIDGE * point[:entries]
            return loss + _RIDGE / 2 * float(point[:entries] @ point[:entries]), slope

        found = minimize(
            objective,
            np.concatenate([weights.table[columns][mask], weights.bias]).astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _ITERATIONS, "ftol": 1e-7},
        )
        whole = np.zeros_like(weights.table)
        table[mask] = found.x[:entries]
        whole[columns] = table
        return Weights(whole, found.x[entries:].astype(np.float32))

    def _penalised(self, weights: Weights, penalty: float) -> Weights:
        """Minimise with an L1 penalty: on the columns in use, and then on those missed."""
        shrink = np.float32(penalty) * self._step

        def soft(table: Floats) -> Floats:
            shrunk: Floats = np.sign(table) * np.maximum(np.abs(table) - shrink, 0)
            return shrunk

        active, settled = (weights.table != 0).any(axis=1), False
        everything = np.arange(self._bits.shape[1])
        while True:
            slope = np.abs(self._gradient(weights, everything)[0]).max(axis=1)
            slope[active] = 0
            missed = np.flatnonzero(slope > penalty * (1 + 1e-2))
            if settled and not len(missed):
                return weights
            most = max(16, int(_JOINING * active.sum()))
            active[missed[np.argsort(-slope[missed], kind="stable")][:most]] = True
            weights = self._minimum(weights, np.flatnonzero(active), soft)
            settled = True

    def _minimum(self, weights: Weights, columns: Ints, proximal: Proximal) -> Weights:
        """Accelerated proximal gradient on some columns; the others stay as they are."""
        bits = self._bits[:, columns]
        table, bias = weights.table[columns], weights.bias
        ahead_table, ahead_bias, pace = table, bias, 1.0
        for _ in range(_STEPS):
            slope_table, slope_bias = self._slopes(bits, ahead_table, ahead_bias)
            new_table = proximal(ahead_table - self._step * slope_table).astype(np.float32)
            new_bias = ahead_bias - self._step * slope_bias
            moved_table, moved_bias = new_table - table, new_bias - bias
            uphill = float(
                np.vdot(ahead_table - new_table, moved_table)
                + np.vdot(ahead_bias - new_bias, moved_bias)
            )
            faster = 1.0 if uphill > 0 else (1 + np.sqrt(1 + 4 * pace * pace)) / 2
            momentum = np.float32(0 if uphill > 0 else (pace - 1) / faster)
            ahead_table = new_table + momentum * moved_table
            ahead_bias = new_bias + momentum * moved_bias
            table, bias, pace = new_table, new_bias, faster
            if max(np.abs(moved_table).max(initial=0), np.abs(moved_bias).max()) < _STILL:
                break
        whole = weights.table.copy()
        whole[columns] = table
        return Weights(whole, bias.astype(np.float32))

    def _gradient(self, weights: Weights, columns: Ints) -> tuple[Floats, Floats]:
        bits = self._bits if len(columns) == self._bits.shape[1] else self._bits[:, columns]
        return self._slopes(bits, weights.table[columns], weights.bias)

    def _slopes(self, bits: Floats, table: Floats, bias: Floats) -> tuple[Floats, Floats]:
        _, by_bit, of_bias = self._loss(bits, table, bias)
        return by_bit, of_bias

    def _loss(self, bits: Floats, table: Floats, bias: Floats) -> tuple[float, Floats, Floats]:
        """Mean log loss, and its slopes by table and bias."""
        logits = bits @ table + bias
        logits -= logits.max(axis=1, keepdims=True)
        wanted = float(np.vdot(logits, self._wanted))
        np.exp(logits, out=logits)
        sums = logits.sum(axis=1, keepdims=True)
        loss = (float(np.log(sums, dtype=np.float64).sum()) - wanted) / len(bits)
        logits /= sums
        logits -= self._wanted
        logits /= np.float32(len(bits))
        by_bit: Floats = bits.T @ logits
        of_bias: Floats = logits.sum(axis=0)
        return loss, by_bit, of_bias
