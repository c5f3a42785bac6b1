"""From messages to the values that callers see; about long work, see `operations`."""

from proofsight.parsing.explanations import (
    classification,
    decision,
    flip,
    interaction_sum,
    node,
    proof,
    solution,
    summary,
)
from proofsight.parsing.images import (
    facts,
    facts_message,
    predictions,
    region,
)
from proofsight.parsing.knowledge import (
    check_report,
    created_revision,
    knowledge_base,
    program,
    revision,
    rule,
)

__all__ = [
    "check_report",
    "classification",
    "created_revision",
    "decision",
    "facts",
    "facts_message",
    "flip",
    "interaction_sum",
    "knowledge_base",
    "node",
    "predictions",
    "program",
    "proof",
    "region",
    "revision",
    "rule",
    "solution",
    "summary",
]
