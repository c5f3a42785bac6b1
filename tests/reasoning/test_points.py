"""Programs by points: the vectorised evaluation, plain Prolog and the proof, on every image."""

from __future__ import annotations

import asyncio
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proofsight.prolog_home import prolog_home
from proofsight.rendering.atoms import unquote
from proofsight_server.knowledge.source import write_quantiser, write_rules
from proofsight_server.reasoning.answer import Solution
from proofsight_server.reasoning.call import Question
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.pool import Pool
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.program import PointsHead, Program
from tests.strategies import LAYERS, random_program

EVERYTHING = "decision(Image, Class), findall(C=P, score(Image, C, P), Scores)"


@pytest.mark.parametrize("seed", [3, 4])
async def test_all_three_agree_on_every_image(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    program, propositions = random_program(rng, policy="points", rules=12, per_layer=2)
    observable = [p for p in propositions if p.feature is not None]
    names = [p.name for p in observable]
    (tmp_path / "quantiser.pl").write_text(write_quantiser(LAYERS, propositions), encoding="utf-8")
    (tmp_path / "rules.pl").write_text(write_rules(program), encoding="utf-8")
    bits = np.array(list(product((False, True), repeat=len(names))))
    off = np.array([p.threshold for p in observable], dtype=np.float32)
    on = np.nextafter(off, np.float32(np.inf), dtype=np.float32)
    unseen = {layer.atom for layer in LAYERS if rng.random() < 0.3}
    hidden = np.array([p.layer in unseen for p in observable])
    tied = False
    async with Pool(tmp_path, prolog_home(), workers=2, queue=1000) as pool:
        for missing in (np.zeros_like(hidden), hidden):
            seen = [name for name, gone in zip(names, missing, strict=True) if not gone]
            evaluation = evaluate(program, bits, names, observed=seen)
            assert evaluation.scores is not None
            values = np.where(missing, np.float32(np.nan), np.where(bits, on, off))
            answers = await asyncio.gather(*(_answers(pool, row) for row in values))
            for image, (plain, proof) in enumerate(answers):
                decided = program.classes[evaluation.decisions[image]]
                scores = dict(zip(program.classes, evaluation.scores[image].tolist(), strict=True))
                assert plain == {"Class": decided, "Scores": scores}
                assert (proof["decision"], proof["rule"], proof["default"]) == (
                    decided,
                    None,
                    False,
                )
                _check(proof, program, scores)
            best = np.sort(evaluation.scores, axis=1)
            tied |= bool((best[:, -1] == best[:, -2]).any())
    assert tied


def _check(proof: dict[str, Any], program: Program, scores: dict[str, int]) -> None:
    """The proof shows the winner, the second, and lines that add up to their scores."""
    nodes = proof["nodes"]
    order = sorted(program.order(), key=lambda name: -scores[name])  # stable: ties keep their order
    shown = [nodes[child] for child in nodes[0]["children"]]
    assert [node["class"] for node in shown] == order[:2]
    margin = scores[order[0]] - scores[order[1]]
    bases = dict(program.bases)
    given = {r.id: r.head.points for r in program.rules if isinstance(r.head, PointsHead)}
    for node, rival, won in zip(shown, (order[1], order[0]), (True, False), strict=True):
        name = node["class"]
        assert node["score"] == {
            "points": scores[name],
            "base": bases.get(name, 0),
            "won": won,
            "rival": rival,
            "margin": margin,
        }
        lines = [nodes[child] for child in node.get("children", ())]
        assert all(line["status"] == "PROVED" for line in lines)
        assert all(line["points"] == given[line["rule"]] for line in lines)
        assert bases.get(name, 0) + sum(line["points"] for line in lines) == scores[name]


async def _answers(pool: Pool, values: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    frame = FactsFrame("img", np.ascontiguousarray(values, dtype=np.float32), ())
    plain: dict[str, Any] = {}
    async for answer in pool.query(frame, EVERYTHING):
        if isinstance(answer, Solution):
            found = dict(answer.bindings)
            plain = {"Class": unquote(found["Class"]), "Scores": _scores(found["Scores"])}
    return plain, await pool.explain(frame, Question("decision"))


def _scores(text: str) -> dict[str, int]:
    pairs = [pair.rsplit("=", 1) for pair in text.removeprefix("[").removesuffix("]").split(",")]
    return {unquote(name): int(points.strip()) for name, points in pairs}
