"""Rules learned again without some propositions, as they were learned the first time."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from proofsight_server.errors import BadOption
from proofsight_server.extraction.probing import Seen
from proofsight_server.knowledge.revision import Revision
from proofsight_server.rules.learner import build_learner
from proofsight_server.rules.program import Program


def relearned(revision: Revision, seen: Mapping[str, Seen], names: Collection[str]) -> Program:
    """What the learner of a revision finds without `names`, and without what was muted before.

    Raises
    ------
    BadOption
        No proposition is left to learn from, or the layers of the revision are chained.
    """
    method, quantisation = revision.manifest.method, revision.quantisation
    if method.get("chain"):
        raise BadOption(
            "rules of chained layers are not learned again; mute the channel by inactive or drop"
        )
    gone = {*names, *method.get("muted", ())}
    kept = [at for at, name in enumerate(quantisation.names) if name not in gone]
    if not kept:
        raise BadOption("no proposition is left to learn rules from; mute fewer channels")
    learner = build_learner(method["learner"], **method["learner_options"])
    bits = {name: quantisation.bits(split.values)[:, kept] for name, split in seen.items()}
    held = None
    if "validation" in seen:
        held = bits["validation"], seen["validation"].decisions
    learner.fit(
        bits["train"],
        seen["train"].decisions,
        [quantisation.names[at] for at in kept],
        revision.manifest.classes,
        validation=held,
    )
    return learner.program_
