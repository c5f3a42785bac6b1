"""One revision at work: its network behind a batcher, its program in Prolog workers."""

from __future__ import annotations

import asyncio
import math
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from proofsight.prolog_home import prolog_home
from proofsight_server.errors import BadRevision, BadTensor
from proofsight_server.extraction.loading import revision_layers
from proofsight_server.knowledge.revision import (
    PROGRAM_FILES,
    Revision,
    fact_files,
    program_etag,
)
from proofsight_server.reasoning.limits import QueryLimits
from proofsight_server.reasoning.pool import Pool
from proofsight_server.rules.entry import observed_at
from proofsight_server.rules.evaluation import Evaluator
from proofsight_server.serving.batching import Batcher
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.names import RevisionName
from proofsight_server.symbols.feature import Bools, Floats
from proofsight_server.vision.image import ImageLimits, Pixels, decode
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import Observation, Reader


@dataclass(frozen=True, slots=True)
class Verdict:
    """The program's decision on one image; `class_name` is None where nothing decides."""

    class_name: str | None
    rule: str | None
    by_default: bool


class Host:
    """A loaded revision. Calls hold it with `use()`; `retire()` waits for them.

    `stamp` is what `files_stamp` said before the revision was read. The program's files are
    copied when it is loaded: a worker that is replaced later loads what the others loaded, also
    when somebody edits the revision meanwhile.
    """

    def __init__(
        self,
        name: RevisionName,
        revision: Revision,
        network: Network,
        settings: Configuration,
        stamp: str,
    ) -> None:
        self.name = name
        self.revision = revision
        self.network = network
        self.etag = revision.etag
        self.stamp = stamp
        self._settings = settings
        quantisation = revision.quantisation
        self.propositions = quantisation.names
        self._thresholds = quantisation.thresholds
        self._layers = tuple(p.layer for p in quantisation.observable)
        self._columns = {name: index for index, name in enumerate(self.propositions)}
        # By what is observed; there are only as many as there are sets of layers.
        self._evaluators: dict[bytes, Evaluator] = {}
        self._evaluator_of(np.ones(len(self.propositions), dtype=np.bool_))
        layers = revision_layers(revision, network)
        self._reader = Reader(network, quantisation.features, layers)
        self._copy = Path(tempfile.mkdtemp(prefix="proofsight-"))
        self.pool = Pool(
            self._copy,
            prolog_home(),
            workers=settings.workers,
            limits=QueryLimits(
                inferences=settings.inferences,
                seconds=settings.goal_seconds,
                stack_bytes=settings.stack_bytes,
                memory_bytes=settings.worker_bytes,
                nodes=settings.proof_nodes,
                solutions=settings.solutions,
            ),
            queue=settings.queue_goals,
        )
        self._batcher: Batcher | None = None
        self._users = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self) -> None:
        """Copy the program and start its workers. Raises as `Pool.start`, and BadRevision."""
        await asyncio.to_thread(self._copy_program)
        await self.pool.start()
        self._batcher = Batcher(
            lambda batch, regions: self._reader.observe(batch, regions=regions),
            batch_images=max(
                1,
                min(
                    self._settings.batch_images,
                    self._settings.batch_values // math.prod(self.network.input_shape),
                ),
            ),
            delay=self._settings.batch_delay,
            queue_images=self._settings.queue_images,
        )

    def _copy_program(self) -> None:
        for file in PROGRAM_FILES:
            shutil.copyfile(self.revision.directory / file, self._copy / file)
        for file in fact_files(self.revision.directory):
            (self._copy / file).parent.mkdir(exist_ok=True)
            shutil.copyfile(self.revision.directory / file, self._copy / file)
        if program_etag(self._copy) != self.etag:
            raise BadRevision(
                f"{self.revision.directory} was edited while it was loaded; try again"
            )

    @property
    def state(self) -> tuple[str, str]:
        """The etag of the program that was loaded, and the stamp of the files beside it."""
        return self.etag, self.stamp

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Host]:
        """Hold the host for one call."""
        self._users += 1
        self._idle.clear()
        try:
            yield self
        finally:
            self._users -= 1
            if not self._users:
                self._idle.set()

    async def retire(self) -> None:
        """Close once no call uses the host any more."""
        await self._idle.wait()
        await self.close()

    async def close(self) -> None:
        """End the workers and the network's thread, and remove the copied files."""
        if self._batcher is not None:
            await self._batcher.close()
        await self.pool.close()
        await asyncio.to_thread(shutil.rmtree, self._copy, ignore_errors=True)

    # --- from images to values ----------------------------------------------

    def pixels(self, encoded: bytes) -> torch.Tensor:
        """The network's input for an encoded image, (1, c, h, w). Raises BadImage."""
        limits = ImageLimits(self._settings.image_bytes, self._settings.image_pixels)
        preprocessing = self.network.preprocessing
        return self.fitting(preprocessing([decode(encoded, preprocessing.mode, limits)]))

    def decoded(self, encoded: bytes) -> Pixels:
        """The colours of an encoded image, (height, width, 3) uint8. Raises BadImage."""
        limits = ImageLimits(self._settings.image_bytes, self._settings.image_pixels)
        return decode(encoded, "RGB", limits)

    def fitting(self, batch: torch.Tensor) -> torch.Tensor:
        """`batch` if its shape is the network's. Raises BadTensor."""
        expected = tuple(self.network.input_shape)
        if batch.ndim != 4 or tuple(batch.shape[1:]) != expected:
            raise BadTensor(
                f"the network of {self.name} takes images of shape {expected} (channels, height, "
                f"width) after preprocessing, and this one is {tuple(batch.shape[1:])}; resize it, "
                "or train and extract with --size and --crop",
                shape=tuple(batch.shape[1:]),
                expected=expected,
            )
        if len(batch) > self._settings.queue_images:
            raise BadTensor(
                f"{len(batch)} images in one tensor, of at most {self._settings.queue_images}; "
                "send several",
                images=len(batch),
            )
        return batch

    async def observe(self, batch: torch.Tensor, *, regions: bool = False) -> Observation:
        """What the network says of a batch, (n, c, h, w)."""
        if self._batcher is None:
            raise RuntimeError("observe before start")
        return await self._batcher.observe(batch, regions=regions)

    def column(self, proposition: str) -> int | None:
        """The place of a proposition in rows of values; None where it is not observable."""
        return self._columns.get(proposition)

    def observed(self, entry: str) -> Bools:
        """Which propositions are observed, (p,), where the program is entered at that layer.

        The layer is named by its atom or path. Raises UnknownLayer, and BadOption where nothing
        decides what lies above it.
        """
        quantisation = self.revision.quantisation
        atom = quantisation.layer_of(entry)
        names = set(observed_at(atom, self.revision.program, quantisation.by_layer))
        return np.array([name in names for name in self.propositions], dtype=np.bool_)

    def of_layer(self, name: str) -> tuple[str, ...]:
        """The observable propositions of a layer, named by its atom or path."""
        quantisation = self.revision.quantisation
        return quantisation.by_layer[quantisation.layer_of(name)]

    def partly(self, values: Floats) -> str | None:
        """A proposition that has no value in `values` (p,) though its layer is observed."""
        given = ~np.isnan(values)
        observed = {self._layers[column] for column in np.flatnonzero(given)}
        for column in np.flatnonzero(~given):
            if self._layers[column] in observed:
                return self.propositions[column]
        return None

    def scale(self, proposition: str) -> float:
        """The feature's standard deviation on the training images; 0 where unknown."""
        column = self._columns.get(proposition)
        return 0.0 if column is None else self.revision.quantisation.scales[column]

    def files(self) -> dict[str, str]:
        """The program's files as they were loaded."""
        return {file: (self._copy / file).read_text(encoding="utf-8") for file in PROGRAM_FILES}

    # --- the program, vectorised --------------------------------------------

    def decide(self, values: Floats) -> Verdict:
        """The program's decision for one image; `values` (p,), NaN where unobserved.

        A layer is observed when its values are given, all of them (see `partly`).
        """
        program = self.revision.program
        bits = (values > self._thresholds)[None]
        given = ~np.isnan(values)
        evaluation = self._evaluator_of(given)(bits)
        decision, rule = int(evaluation.decisions[0]), int(evaluation.rules[0])
        return Verdict(
            program.classes[decision] if decision >= 0 else None,
            program.rules[rule].id if rule >= 0 else None,
            bool(evaluation.by_default[0]),
        )

    def _evaluator_of(self, given: Bools) -> Evaluator:
        key = given.tobytes()
        if key not in self._evaluators:
            names = [self.propositions[column] for column in np.flatnonzero(given)]
            self._evaluators[key] = Evaluator(
                self.revision.program, self.propositions, observed=names
            )
        return self._evaluators[key]
