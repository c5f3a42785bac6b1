"""The network's turn: tensors of many callers, one forward pass at a time, in one thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from proofsight_server.errors import Overloaded
from proofsight_server.vision.probe import Observation

Observe = Callable[[torch.Tensor, bool], Observation]


@dataclass(slots=True)
class _Waiting:
    """One caller's tensor, float32 (n, channels, height, width)."""

    batch: torch.Tensor
    regions: bool
    answer: asyncio.Future[Observation]


class Batcher:
    """Gathers what arrives while the network is busy and passes it through together.

    Callers that go away (their future is cancelled) leave their slot. One thread runs the
    network, so `observe` need not be safe for several.
    """

    def __init__(
        self, observe: Observe, *, batch_images: int, delay: float, queue_images: int
    ) -> None:
        self._observe = observe
        self._batch_images = batch_images
        self._delay = delay
        self._queue_images = queue_images
        self._waiting: deque[_Waiting] = deque()
        self._queued = 0
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._loop = asyncio.create_task(self._run())

    async def observe(self, batch: torch.Tensor, *, regions: bool = False) -> Observation:
        """What the network says of `batch`, (n, channels, height, width). Raises Overloaded."""
        if self._queued and self._queued + len(batch) > self._queue_images:
            raise Overloaded(
                f"{self._queued} images are waiting, of at most {self._queue_images}; "
                "try again later",
                queued=self._queued,
                limit=self._queue_images,
            )
        answer: asyncio.Future[Observation] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(batch, regions, answer))
        self._queued += len(batch)
        self._arrived.set()
        return await answer

    async def close(self) -> None:
        """Stop; what still waits is cancelled."""
        self._loop.cancel()
        await asyncio.gather(self._loop, return_exceptions=True)
        for waiting in self._waiting:
            waiting.answer.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            if self._delay and self._queued < self._batch_images:
                await asyncio.sleep(self._delay)
            taken = self._take()
            if not taken:
                continue
            try:
                observation = await loop.run_in_executor(self._thread, self._pass, taken)
            except Exception as error:
                await self._separately(taken, error)
            else:
                self._deliver(taken, observation)

    def _take(self) -> list[_Waiting]:
        """The next callers whose tensors fit together into one pass."""
        taken: list[_Waiting] = []
        images = 0
        while self._waiting:
            head = self._waiting[0]
            if taken and (
                images + len(head.batch) > self._batch_images or head.regions != taken[0].regions
            ):
                break
            self._waiting.popleft()
            self._queued -= len(head.batch)
            if not head.answer.done():
                taken.append(head)
                images += len(head.batch)
        if not self._waiting:
            self._arrived.clear()
        return taken

    def _pass(self, taken: list[_Waiting]) -> Observation:
        batch = taken[0].batch if len(taken) == 1 else torch.cat([w.batch for w in taken])
        regions = taken[0].regions
        return _joined([self._observe(p, regions) for p in torch.split(batch, self._batch_images)])

    async def _separately(self, taken: list[_Waiting], error: Exception) -> None:
        """One caller's bad tensor must not fail its neighbours."""
        if len(taken) == 1:
            if not taken[0].answer.done():
                taken[0].answer.set_exception(error)
            return
        loop = asyncio.get_running_loop()
        for waiting in taken:
            try:
                observation = await loop.run_in_executor(self._thread, self._pass, [waiting])
            except Exception as own:
                if not waiting.answer.done():
                    waiting.answer.set_exception(own)
            else:
                self._deliver([waiting], observation)

    def _deliver(self, taken: list[_Waiting], observation: Observation) -> None:
        start = 0
        for waiting in taken:
            stop = start + len(waiting.batch)
            if not waiting.answer.done():
                waiting.answer.set_result(
                    observation if len(taken) == 1 else _part(observation, start, stop)
                )
            start = stop


def _joined(parts: list[Observation]) -> Observation:
    """The images of several observations as one."""
    if len(parts) == 1:
        return parts[0]
    regions = [part.regions for part in parts if part.regions is not None]
    return Observation(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.decisions for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate(regions) if regions else None,
    )


def _part(whole: Observation, start: int, stop: int) -> Observation:
    """The images from `start` to `stop` of an observation."""
    return Observation(
        whole.logits[start:stop],
        whole.decisions[start:stop],
        whole.probabilities[start:stop],
        whole.values[start:stop],
        None if whole.regions is None else whole.regions[start:stop],
    )
