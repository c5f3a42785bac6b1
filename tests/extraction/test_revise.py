"""Revisions from revisions: what is edited, what is measured, and what is left alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proofsight_server.errors import BadOption, BadProgram, BadRevision, UnknownRule
from proofsight_server.extraction.evaluate import evaluate_revision
from proofsight_server.extraction.extract import Source
from proofsight_server.extraction.revise import Revised, revise
from proofsight_server.knowledge.annex import add_annex
from proofsight_server.knowledge.forced import read_clauses
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import QUANTISER, Revision, open_revision
from proofsight_server.knowledge.source import write_rules
from proofsight_server.rules.edit import Edit, ForceRule, MuteChannel, RemoveRule, is_forced
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.symbols.channel import channels

LABEL = "label({}, 'left wall', hand(ada)).\n"


def again(
    directory: Path, source: Source, *edits: Edit, publish: bool = True, **texts: str
) -> Revised:
    return revise(
        open_revision(directory),
        rules=texts.get("rules"),
        labels=texts.get("labels"),
        user=texts.get("user"),
        edits=edits,
        dataset=source.dataset,
        network=source.network,
        repository=Repository(directory.parent.parent),
        author="ada",
        note="why not",
        publish=publish,
    )


def published(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.parent.iterdir())


def made(revised: Revised) -> Revision:
    assert revised.revision is not None
    return revised.revision


def some_channel(revision: Revision) -> tuple[str, tuple[str, ...]]:
    """The first channel that a rule uses."""
    first = revision.program.propositions()[0]
    quantisation = revision.quantisation
    known = channels(quantisation.propositions, quantisation.layers)
    return next((name, names) for name, names in known.items() if first in names)


# --- what comes out -------------------------------------------------------------


def test_an_edit_makes_the_next_revision_with_parent_author_note_and_comparison(
    revision: Path, source: Source
) -> None:
    parent = open_revision(revision)
    rule = parent.program.rules[0].id
    revised = again(revision, source, RemoveRule(rule))
    child = made(revised)
    assert child.name == "three/2"
    assert rule not in [r.id for r in child.program.rules]
    document = child.manifest.revised
    assert document["parent"] == "three/1"
    assert document["parent_etag"] == parent.etag
    assert document["edits"] == [{"edit": "remove_rule", "rule": rule}]
    assert (document["author"], document["note"]) == ("ada", "why not")
    assert document["comparison"] == json.loads(json.dumps(revised.comparison.to_json()))
    assert revised.basis == "measured"
    assert not child.edited_since_measured
    report = evaluate_revision(child, source.dataset, source.network)
    assert report.note == "the same figures as at extraction"


def test_the_comparison_is_what_evaluating_both_programs_gives(
    revision: Path, source: Source
) -> None:
    parent = open_revision(revision)
    name, names = some_channel(parent)
    revised = again(revision, source, MuteChannel(name, names))
    before = evaluate_revision(parent, source.dataset, source.network).figures
    after = evaluate_revision(made(revised), source.dataset, source.network).figures
    document = revised.comparison.to_json()
    for split in ("train", "validation", "test"):
        for key in ("accuracy", "fidelity", "undecided"):
            assert document[split][key] == {
                "before": before[split][key],
                "after": after[split][key],
            }
    assert document["size"]["literals"] == {
        "before": before["literals"],
        "after": after["literals"],
    }
    ids = set(source.dataset.validation.ids)
    assert document["validation"]["changed"] == len(document["changed_validation_images"])
    assert set(document["changed_validation_images"]) <= ids


def test_weights_are_not_copied_and_annexes_come_along(revision: Path, source: Source) -> None:
    add_annex(revision, "gallery/page.html", b"<p>")
    child = made(
        again(revision, source, labels=LABEL.format(some_channel(open_revision(revision))[1][0]))
    )
    assert (child.directory / "model.safetensors").samefile(revision / "model.safetensors")
    assert (child.directory / "gallery" / "page.html").read_bytes() == b"<p>"


def test_labels_and_user_text_carry_the_figures_over_without_data(revision: Path) -> None:
    parent = open_revision(revision)
    revised = revise(
        parent,
        labels=LABEL.format(some_channel(parent)[1][0]),
        user="small(Image) :- decision(Image, 'digit 0').\n",
        repository=Repository(revision.parent.parent),
    )
    child = made(revised)
    assert (revised.basis, child.manifest.revised["basis"]) == ("carried over", "carried over")
    assert child.manifest.figures == parent.manifest.figures
    for name in ("rules.pl", "quantiser.pl"):
        assert (child.directory / name).read_bytes() == (revision / name).read_bytes()
    assert child.program == parent.program
    assert "left wall" in child.labels.values()


def test_without_data_figures_are_withheld_and_the_reason_is_kept(revision: Path) -> None:
    parent = open_revision(revision)
    revised = revise(
        parent,
        edits=[RemoveRule(parent.program.rules[0].id)],
        unmeasured="the disk is elsewhere",
        repository=Repository(revision.parent.parent),
    )
    child = made(revised)
    assert (revised.basis, revised.why) == ("withheld", "the disk is elsewhere")
    assert child.manifest.figures == {}
    assert all("support" not in dict(rule.stats) for rule in child.program.rules)
    labelled = revise(
        child,
        labels=LABEL.format(some_channel(child)[1][0]),
        repository=Repository(revision.parent.parent),
    )
    assert (labelled.basis, labelled.why) == ("withheld", "the disk is elsewhere")


def test_edits_in_place_are_taken_in_and_compared_with_what_was_published(
    revision: Path, source: Source
) -> None:
    parent = open_revision(revision)
    rules = revision / "rules.pl"
    rules.write_text(
        f"% mine\n{re.sub(r'policy.exclusive.', 'policy(ordered)', rules.read_text())}"
    )
    removed = write_rules(replace(parent.program, rules=parent.program.rules[1:], policy="ordered"))
    rules.write_text(f"{removed}% mine\n")
    revised = again(revision, source)
    child = made(revised)
    assert child.program.policy == "ordered"
    assert child.manifest.revised["files"] == ["rules.pl"]
    fidelity = revised.comparison.to_json()["train"]["fidelity"]
    assert fidelity["before"] == parent.manifest.figures["train"]["fidelity"]
    assert fidelity["after"] == child.manifest.figures["train"]["fidelity"]
    assert "rules.pl is written anew, and its comments are not kept" in revised.warnings


def test_muting_by_relearning_finds_rules_without_the_channel_and_later_ones_too(
    revision: Path, source: Source
) -> None:
    name, names = some_channel(open_revision(revision))
    child = made(again(revision, source, MuteChannel(name, names, "relearn")))
    assert not set(names) & set(child.program.propositions())
    assert child.manifest.method["muted"] == list(names)
    other, more = some_channel(child)
    grandchild = made(again(child.directory, source, MuteChannel(other, more, "relearn")))
    assert not {*names, *more} & set(grandchild.program.propositions())


def test_a_forced_rule_is_read_checked_marked_and_wins(revision: Path, source: Source) -> None:
    parent = open_revision(revision)
    quantiser = (revision / QUANTISER).read_bytes()
    proposition = parent.program.propositions()[0]
    clause = f"class(Image, 'Digit_1') :- rule(mine, Image), active(Image, {proposition})"
    rules = read_clauses(clause, parent.program, quantiser)
    child = made(again(revision, source, ForceRule(rules)))
    assert is_forced(child.program.rules[0])
    assert dict(child.program.rules[0].stats)["support"] > 0  # type: ignore[operator]  # a count
    names = child.quantisation.names
    bits = np.zeros((1, len(names)), dtype=np.bool_)
    bits[0, names.index(proposition)] = True
    decided = evaluate(child.program, bits, names).decisions[0]
    assert child.program.classes[decided] == "Digit_1"


def test_an_edit_that_leaves_a_class_without_rules_is_warned_of_once(
    revision: Path, source: Source
) -> None:
    parent = open_revision(revision)
    last = parent.program.rules[-1].head
    gone = [RemoveRule(rule.id) for rule in parent.program.rules if rule.head == last]
    revised = again(revision, source, *gone)
    name = last.name  # type: ignore[union-attr]  # a tree has rules for classes only
    assert [w for w in revised.warnings if name in w] == [f"no rule decides {name} any more"]


def test_trying_publishes_nothing(revision: Path, source: Source) -> None:
    rule = open_revision(revision).program.rules[0].id
    revised = again(revision, source, RemoveRule(rule), publish=False)
    assert revised.revision is None
    assert revised.comparison.entries
    assert published(revision) == ["1"]


# --- what is refused, and writes nothing ----------------------------------------


def test_nothing_changed_is_refused(revision: Path, source: Source) -> None:
    with pytest.raises(BadOption, match="nothing was changed in three/1"):
        again(revision, source)
    with pytest.raises(BadOption, match="nothing was changed"):
        again(revision, source, rules=(revision / "rules.pl").read_text())
    unused = MuteChannel("none", ("no_such_proposition",))
    with pytest.raises(BadOption, match="the edits change no rule"):
        again(revision, source, unused)
    assert published(revision) == ["1"]


def test_an_error_in_edited_rules_names_the_file_line_and_column(
    revision: Path, source: Source
) -> None:
    text = (revision / "rules.pl").read_text()
    wrong = "class(Image, 'Digit_1') :- rule(r90, Image), active(Image, conv9_c9)."
    with pytest.raises(BadProgram) as caught:
        again(revision, source, rules=f"{text}{wrong}\n")
    (issue,) = caught.value.issues
    assert issue.file == "rules.pl"
    assert issue.line == text.count("\n") + 1
    assert "conv9_c9" in issue.message
    with pytest.raises(UnknownRule):
        again(revision, source, RemoveRule("r90"))
    assert published(revision) == ["1"]


def test_an_edited_quantiser_is_refused(revision: Path, source: Source) -> None:
    quantiser = revision / QUANTISER
    quantiser.write_text(quantiser.read_text() + "\n")
    with pytest.raises(BadRevision, match="thresholds are the extraction's to fit"):
        again(revision, source, RemoveRule("r1"))
    assert published(revision) == ["1"]


def test_changed_rules_need_data_or_a_reason(revision: Path) -> None:
    parent = open_revision(revision)
    with pytest.raises(BadOption, match="name it with --data"):
        revise(parent, edits=[RemoveRule("r1")], repository=Repository(revision.parent.parent))
    assert published(revision) == ["1"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("class(Image, 'Digit_1') :- rule(f1, Image) active(Image, x).", "syntax error"),
        ("class(Image, nobody) :- rule(f1, Image).", "no class named nobody"),
        ("class(Image, 'Digit_1') :- active(Image, x).", "rule"),
        ("% nothing", "has no rule"),
    ],
)
def test_a_rule_to_force_that_does_not_hold_is_refused(
    revision: Path, text: str, told: str
) -> None:
    parent = open_revision(revision)
    with pytest.raises((BadProgram, BadOption), match=told):
        read_clauses(text, parent.program, (revision / QUANTISER).read_bytes())
