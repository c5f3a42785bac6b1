"""Edits of a program as values, and the one function that makes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal as OneOf
from typing import get_args

from proofsight_server.errors import BadOption, UnknownClass, UnknownProposition, UnknownRule
from proofsight_server.rules.kind import exclusive, ordered
from proofsight_server.rules.mute import (
    dropped,
    inactive,
    without_literals,
    without_orphans,
    without_rules,
)
from proofsight_server.rules.program import (
    ClassHead,
    DerivedHead,
    ExceptionHead,
    PointsHead,
    Program,
    Rule,
)

MutePolicy = OneOf["inactive", "drop", "relearn"]
MUTE_POLICIES: tuple[MutePolicy, ...] = get_args(MutePolicy)
FORCED = "forced"  # the statistic that marks a rule which no learner and no shortening may touch

# learns the program again without these propositions
Relearn = Callable[[Collection[str]], Program]


@dataclass(frozen=True, slots=True)
class RemoveRule:
    """The rule of that id goes, with its exceptions."""

    rule: str


@dataclass(frozen=True, slots=True)
class ForceRule:
    """Rules come first, before all others, and are marked `forced(true)`."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class DropLiteral:
    """What a rule's body says of a proposition goes."""

    rule: str
    proposition: str


@dataclass(frozen=True, slots=True)
class MuteChannel:
    """A channel no longer speaks; `propositions` are all of its propositions.

    `inactive`: as if they were never active.  `drop`: their literals leave all bodies, and a
    body left without literals goes.  `relearn`: rules are learned again without them.
    """

    channel: str
    propositions: tuple[str, ...]
    policy: MutePolicy = "inactive"

    def __post_init__(self) -> None:
        if self.policy not in MUTE_POLICIES:
            raise BadOption(
                f"a channel is muted by {', '.join(MUTE_POLICIES)}, not {self.policy!r}",
                option="mute",
                value=self.policy,
            )


@dataclass(frozen=True, slots=True)
class ForceChannel:
    """Of the rules of a class, only those that use the channel stay.

    Without `class_name`: of each class that has such a rule.
    """

    channel: str
    propositions: tuple[str, ...]
    class_name: str = ""


@dataclass(frozen=True, slots=True)
class Unmute:
    """The last mute of that channel before it was not made."""

    channel: str


Edit = RemoveRule | ForceRule | DropLiteral | MuteChannel | ForceChannel | Unmute


def apply_edits(
    program: Program, edits: Sequence[Edit], *, relearn: Relearn | None = None
) -> Program:
    """The program after the edits, in their order; statistics are those of before.

    Channels muted by `relearn` come first, for rules that are learned again have other ids.  An
    `exclusive` program whose classes may now hold together becomes `ordered`, deciding as it
    did; so does one that a rule is forced on.

    Raises
    ------
    UnknownRule, UnknownProposition, UnknownClass
        An edit names what the program does not have; the message gives the nearest.
    BadOption
        An edit that cannot be made, or `relearn` where there is nothing to learn from.
    """
    edits = _settled(edits)
    again = [edit for edit in edits if _relearns(edit)]
    if again:
        program = _relearned(program, again, relearn)
    for place, edit in enumerate(edits):
        if not _relearns(edit):
            # what stands first of several forced rules is the first that was asked for
            forced = sum(len(e.rules) for e in edits[:place] if isinstance(e, ForceRule))
            program = without_orphans(_edited(program, edit, forced), program)
    if program.policy == "exclusive" and edits and not exclusive(program):
        program = ordered(program)
    return program


def lost_classes(before: Program, after: Program) -> tuple[str, ...]:
    """The classes that rules decided, or gave points for, and that no rule does any more."""
    left = set(_classes(after))
    return tuple(name for name in _classes(before) if name not in left)


def _settled(edits: Sequence[Edit]) -> list[Edit]:
    """The edits without those that a later one takes back."""
    left: list[Edit] = []
    for edit in edits:
        if isinstance(edit, Unmute):
            muted = [e for e in left if isinstance(e, MuteChannel) and e.channel == edit.channel]
            if not muted:
                raise BadOption(
                    f"{edit.channel} is not muted; revise the revision in which it was",
                    channel=edit.channel,
                )
            left.remove(muted[-1])
        else:
            left.append(edit)
    return left


def _relearns(edit: Edit) -> bool:
    return isinstance(edit, MuteChannel) and edit.policy == "relearn"


def _relearned(program: Program, edits: Iterable[Edit], relearn: Relearn | None) -> Program:
    if relearn is None:
        raise BadOption(
            "rules can be learned again only where the data can be read; mute the channel by "
            "inactive or drop",
            option="mute",
        )
    gone = [name for e in edits if isinstance(e, MuteChannel) for name in e.propositions]
    forced = tuple(rule for rule in program.rules if is_forced(rule))
    learned = relearn(gone)
    return _forced(learned, forced, 0) if forced else learned


def is_forced(rule: Rule) -> bool:
    """Whether a person forced the rule on the program."""
    return dict(rule.stats).get(FORCED) is True


def _edited(program: Program, edit: Edit, forced: int) -> Program:
    if isinstance(edit, RemoveRule):
        return without_rules(program, {_rule(program, edit.rule).id})
    if isinstance(edit, ForceRule):
        return _forced(program, edit.rules, forced)
    if isinstance(edit, DropLiteral):
        return _shortened(program, _rule(program, edit.rule), edit.proposition)
    if isinstance(edit, MuteChannel):
        mute = inactive if edit.policy == "inactive" else dropped
        return mute(program, edit.propositions)
    assert isinstance(edit, ForceChannel)
    return _of_channel(program, edit)


def _rule(program: Program, name: str) -> Rule:
    for rule in program.rules:
        if rule.id == name:
            return rule
    raise UnknownRule(name, [rule.id for rule in program.rules])


def _forced(program: Program, rules: Sequence[Rule], place: int) -> Program:
    taken = {rule.id for rule in program.rules}
    for rule in rules:
        if rule.id in taken:
            raise BadOption(
                f"a rule named {rule.id} exists already; give the forced rule another id",
                rule=rule.id,
            )
        if isinstance(rule.head, ClassHead) and program.policy == "points":
            raise BadOption(
                f"rule {rule.id} gives a class, and this program decides by points; force "
                f"points(Image, {rule.head.name}, N) :- … instead",
                rule=rule.id,
            )
        if isinstance(rule.head, ExceptionHead) and rule.head.rule not in {r.id for r in rules}:
            raise BadOption(
                f"rule {rule.id} is an exception of {rule.head.rule}; force a rule together with "
                "its exceptions, or edit rules.pl",
                rule=rule.id,
            )
    marked = tuple(
        rule if is_forced(rule) else replace(rule, stats=(*rule.stats, (FORCED, True)))
        for rule in rules
    )
    if program.policy == "points":
        return replace(program, rules=(*program.rules[:place], *marked, *program.rules[place:]))
    before = ordered(program).rules
    everything = (*before[:place], *marked, *before[place:])
    return ordered(replace(program, rules=everything, policy="ordered"))


def _shortened(program: Program, rule: Rule, proposition: str) -> Program:
    used = {literal.proposition for literal in rule.literals()}
    if proposition not in used:
        raise UnknownProposition(proposition, used)
    body = without_literals(rule.body, {proposition})
    if used == {proposition}:
        raise BadOption(
            f"{proposition} is all that rule {rule.id} asks for; without it the rule would always "
            f"fire: use --remove-rule {rule.id}",
            rule=rule.id,
        )
    shorter = replace(rule, body=body)
    rules = tuple(shorter if one is rule else one for one in program.rules)
    return replace(program, rules=rules)


def _of_channel(program: Program, edit: ForceChannel) -> Program:
    if edit.class_name and edit.class_name not in program.classes:
        raise UnknownClass(edit.class_name, program.classes)
    using = _using(program, set(edit.propositions))
    classes = {
        rule.head.name
        for rule in program.rules
        if isinstance(rule.head, ClassHead | PointsHead) and rule.id in using
    }
    wanted = {edit.class_name} if edit.class_name else classes
    if not wanted & classes:
        about = f"rule of {edit.class_name}" if edit.class_name else "rule for a class"
        raise BadOption(
            f"no {about} uses {edit.channel}, so that forcing it would leave none; force a channel "
            "that one uses, or force a rule that uses it",
            channel=edit.channel,
        )
    gone = {
        rule.id
        for rule in program.rules
        if isinstance(rule.head, ClassHead | PointsHead)
        and rule.head.name in wanted
        and rule.id not in using
    }
    return without_rules(program, gone)


def _using(program: Program, names: set[str]) -> set[str]:
    """The rules whose body reads one of `names`, itself or through `derived/2`."""
    names = set(names)
    while True:
        using = {
            rule for rule in program.rules if any(x.proposition in names for x in rule.literals())
        }
        read = {rule.head.proposition for rule in using if isinstance(rule.head, DerivedHead)}
        if read <= names:
            return {rule.id for rule in using if not isinstance(rule.head, ExceptionHead)}
        names |= read


def _classes(program: Program) -> tuple[str, ...]:
    heads = [rule.head for rule in program.rules]
    return tuple(dict.fromkeys(h.name for h in heads if isinstance(h, ClassHead | PointsHead)))
