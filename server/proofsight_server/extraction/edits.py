"""Edits as a manifest records them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from proofsight_server.knowledge.source import rule_text
from proofsight_server.rules.edit import Edit, ForceRule

_NAMES = {
    "RemoveRule": "remove_rule",
    "ForceRule": "force_rule",
    "DropLiteral": "drop_literal",
    "MuteChannel": "mute_channel",
    "ForceChannel": "force_channel",
    "Unmute": "unmute",
}


def edit_document(edit: Edit) -> dict[str, Any]:
    """An edit as plain JSON; rules as the text of their clauses."""
    name = {"edit": _NAMES[type(edit).__name__]}
    if isinstance(edit, ForceRule):
        return {**name, "rules": [rule_text(rule) for rule in edit.rules]}
    return {**name, **{key: value for key, value in asdict(edit).items() if value != ""}}
