"""Vectorised evaluation, plain Prolog and the proofs' decisions, on every image."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Row, Skipped
from benchmarks.workspace import Workspace
from proofsight.prolog_home import prolog_home
from proofsight_server.extraction.loading import load_revision_network, revision_layers
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import Revision
from proofsight_server.reasoning.answer import Solution
from proofsight_server.reasoning.call import Question
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.pool import Pool
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.symbols.feature import Floats
from proofsight_server.vision.dataset import open_dataset
from proofsight_server.vision.probe import Reader, probe_split


def run(workspace: Workspace) -> list[Row]:
    """All test images of MNIST, or of digits where MNIST is not at hand."""
    if workspace.data is None:
        uri, kb = "digits", "digits"
        rows: list[Row] = [
            Skipped("agreement on MNIST's test images", "PROOFSIGHT_DATA is not set")
        ]
    else:
        uri, kb, rows = f"mnist:{workspace.data / 'MNIST'}", "mnist", []
    weights, _ = workspace.trained(uri, 0)
    workspace.extracted(kb, uri, "small-cnn", weights)
    revision = Repository(workspace.repository).revision(kb)
    network = load_revision_network(revision)
    reader = Reader(network, revision.quantisation.features, revision_layers(revision, network))
    values = probe_split(reader, open_dataset(uri).test).values
    agreeing = asyncio.run(_agreeing(revision, values))
    rows.append(
        Figure(
            f"{kb}: share of {len(values)} test images on which all three evaluations agree",
            (agreeing / len(values),),
            "",
            1.0,
        )
    )
    return rows


async def _agreeing(revision: Revision, values: Floats) -> int:
    program, quantisation = revision.program, revision.quantisation
    names = [proposition.name for proposition in quantisation.observable]
    vectorised = evaluate(program, quantisation.bits(values), names)
    directory = Path(revision.directory)
    async with Pool(directory, prolog_home(), queue=1000) as pool:

        async def agrees(index: int) -> bool:
            frame = FactsFrame("img", np.ascontiguousarray(values[index]), ())
            plain = None
            async for answer in pool.query(frame, "decision(Image, Class)"):
                if isinstance(answer, Solution):
                    plain = dict(answer.bindings)["Class"]
            proof = await pool.explain(frame, Question("decision"))
            decided = int(vectorised.decisions[index])
            rule = int(vectorised.rules[index])
            return bool(
                (program.classes[decided] if decided >= 0 else None) == plain == proof["decision"]
                and (program.rules[rule].id if rule >= 0 else None) == proof["rule"]
                and bool(vectorised.by_default[index]) == proof["default"]
            )

        agreeing, step = 0, 500
        for start in range(0, len(values), step):
            block = range(start, min(start + step, len(values)))
            agreeing += sum(await asyncio.gather(*map(agrees, block)))
        return agreeing
