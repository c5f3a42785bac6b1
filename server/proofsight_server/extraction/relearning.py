"""Rules learned again without some propositions, as they were learned the first time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from proofsight_server.errors import BadOption
from proofsight_server.extraction.probing import Seen
from proofsight_server.knowledge.revision import Revision
from proofsight_server.rules.chain import Chain
from proofsight_server.rules.learner import LEARNERS, build_learner, is_own
from proofsight_server.rules.program import Program


def check_relearnable(revision: Revision, allow: frozenset[str]) -> None:
    """Refuse a revision whose learner cannot, or may not, learn again.

    Raises
    ------
    BadOption
        The rules were read off weights, or learned by `module:factory`, which is not in `allow`.
    """
    learner = revision.manifest.method["learner"]
    if is_own(learner) and learner not in allow:
        raise BadOption(
            f"the rules of {revision.name} were learned by {learner}, and importing that runs its "
            f"code; if you trust it, say --allow-model {learner} or set "
            f"PROOFSIGHT_ALLOW_MODELS={learner}",
            option="mute",
            value="relearn",
        )
    if learner not in LEARNERS and not is_own(learner):
        raise BadOption(
            f"the rules of {revision.name} were read off weights by {learner}, so they "
            "cannot be learned again without some propositions; mute with inactive or drop",
            option="mute",
            value="relearn",
        )


def relearned(revision: Revision, seen: Mapping[str, Seen], names: Collection[str]) -> Program:
    """What the learner of a revision finds without `names`, and without what was muted before.

    Its own learner is imported where it is one of a person's own: see `check_relearnable`.

    Raises
    ------
    BadOption
        No proposition is left to learn from; of a chain, in one of its layers.
    """
    method, quantisation = revision.manifest.method, revision.quantisation
    gone = {*names, *method.get("muted", ())}
    kept = [at for at, name in enumerate(quantisation.names) if name not in gone]
    if not kept:
        raise BadOption("no proposition is left to learn rules from; mute fewer channels")
    tables = {
        name: (quantisation.bits(split.values)[:, kept], split.decisions)
        for name, split in seen.items()
    }
    bits, target = tables["train"]
    table = (bits, target, [quantisation.names[at] for at in kept], revision.manifest.classes)
    held = tables.get("validation")
    make = partial(build_learner, method["learner"], **method["learner_options"])
    if not method.get("chain"):
        return make().fit(*table, validation=held).program_
    layers = {
        layer: tuple(name for name in own if name not in gone)
        for layer, own in quantisation.by_layer.items()
    }
    chain = Chain(make, method["chain_leaves"], method["chain"])
    return chain.fit(*table, layers, validation=held).program_
