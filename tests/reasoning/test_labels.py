"""Labels are for people: they stand in proofs, and change nothing else of them."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from proofsight.prolog_home import prolog_home
from proofsight_server.reasoning.call import Question
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.pool import Pool

REVISION = Path(__file__).parent / "revision"
LABELS = (
    "label(conv1_c0, 'left wall', hand(ada)).\n"
    "label(conv1_c0, wall, auto(iou,0.25)).\n"
    "label(conv1_c5, cat, auto(purity,1.0)).\n"
    "label(fc1_u2, 'left wall', hand('O''Hara')).\n"
)


def without_labels(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: without_labels(value) for key, value in part.items() if key != "label"}
    return [without_labels(one) for one in part] if isinstance(part, list | tuple) else part


def labels_in(part: Any) -> dict[str, str]:
    if isinstance(part, dict):
        found = {part["proposition"]: part["label"]} if part.get("label") else {}
        return found | {k: v for value in part.values() for k, v in labels_in(value).items()}
    if isinstance(part, list | tuple):
        return {k: v for value in part for k, v in labels_in(value).items()}
    return {}


async def test_relabelling_changes_no_proof_but_for_the_labels_that_it_shows(
    tmp_path: Path,
) -> None:
    labelled = tmp_path / "1"
    shutil.copytree(REVISION, labelled)
    (labelled / "labels.pl").write_text(LABELS, encoding="utf-8")
    shown: dict[str, str] = {}
    async with (
        Pool(REVISION, prolog_home(), workers=1) as plain,
        Pool(labelled, prolog_home(), workers=1) as named,
    ):
        for values in product((0.25, 0.75), (0.0, 0.25), (-0.5, 0.5)):
            facts = FactsFrame("img", np.array(values, np.float32), (("cat", 0.75),))
            for question in (None, Question("class", "cat"), Question("goal", "pet(Image)")):
                arguments = () if question is None else (question,)
                before = await plain.explain(facts, *arguments)
                after = await named.explain(facts, *arguments)
                assert labels_in(before) == {}
                assert without_labels(after) == without_labels(before)
                shown |= labels_in(after)
    # Two channels may share a text, and of two labels the first is shown.
    assert shown == {"conv1_c0": "left wall", "fc1_u2": "left wall"}
