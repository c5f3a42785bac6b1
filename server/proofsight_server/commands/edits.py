"""Edits as people write them on a command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from proofsight_server.commands.handed_in import program_text

if TYPE_CHECKING:
    from proofsight_server.knowledge.revision import Revision
    from proofsight_server.rules.edit import Edit, MutePolicy
    from proofsight_server.rules.program import Rule

NECK = ":-"


def edits_of(given: Sequence[tuple[str, str]], revision: Revision) -> list[Edit]:
    """The edits behind (name of the option, its argument), in their order.

    Raises
    ------
    UnknownChannel
        The revision has no such channel; the message gives the nearest.
    BadOption, BadProgram, OSError
        An argument that cannot be read.
    """
    return [_edit(option, text, revision) for option, text in given]


def _edit(option: str, text: str, revision: Revision) -> Edit:
    from proofsight_server.rules.edit import (
        DropLiteral,
        ForceChannel,
        ForceRule,
        MuteChannel,
        RemoveRule,
    )

    if option == "remove_rule":
        return RemoveRule(text)
    if option == "force_rule":
        return ForceRule(_clauses(text, revision))
    if option == "drop_literal":
        rule, colon, proposition = text.rpartition(":")
        if not colon:
            raise _misread(option, text, "ID:PROPOSITION, as in r3:conv3_c12")
        return DropLiteral(rule, proposition)
    channel, _, rest = text.partition(":")
    names = _propositions(channel, revision)
    if option == "mute":
        return MuteChannel(channel, names, cast("MutePolicy", rest or "inactive"))
    return ForceChannel(channel, names, rest)


def _propositions(channel: str, revision: Revision) -> tuple[str, ...]:
    from proofsight_server.symbols.channel import propositions_of

    quantisation = revision.quantisation
    return propositions_of(channel, quantisation.propositions, quantisation.layers)


def _clauses(text: str, revision: Revision) -> tuple[Rule, ...]:
    from proofsight_server.knowledge.forced import read_clauses
    from proofsight_server.knowledge.revision import QUANTISER

    quantiser = (revision.directory / QUANTISER).read_bytes()
    if NECK in text:
        return read_clauses(text, revision.program, quantiser)
    if not Path(text).exists():
        raise _misread(
            "force_rule", text, f"a clause, with {NECK}, or a file of clauses that is there"
        )
    return read_clauses(program_text(Path(text)), revision.program, quantiser, place=text)


def _misread(option: str, text: str, form: str) -> Exception:
    from proofsight_server.errors import BadOption

    flag = f"--{option.replace('_', '-')}"
    return BadOption(f"{flag} takes {form}, not {text!r}", option=option, value=text)
