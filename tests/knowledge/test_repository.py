"""Revisions as they are found and read, edited by hand or damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from proofsight_server.errors import (
    BadOption,
    BadProgram,
    BadRevision,
    UnknownKnowledgeBase,
    UnknownRevision,
)
from proofsight_server.knowledge.manifest import Manifest
from proofsight_server.knowledge.repository import Address, Repository, parse_name
from proofsight_server.knowledge.revision import (
    EDITABLE_FILES,
    PROGRAM_FILES,
    check_revision,
    open_revision,
    program_etag,
)
from proofsight_server.rules.program import Program


def test_an_unknown_knowledge_base_or_revision_is_told_with_the_nearest(revision: Path) -> None:
    here = Repository(revision.parents[1])
    with pytest.raises(UnknownKnowledgeBase, match="'digit'; nearest: digits"):
        here.revision("digit")
    with pytest.raises(UnknownRevision, match="'digits/2'; nearest: digits/1"):
        here.revision("digits", 2)
    assert here.revision("digits").name == here.revision("digits", 1).name == "digits/1"


def test_a_repository_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="no repository at"):
        Repository(tmp_path / "none").revision("digits")
    with pytest.raises(BadOption, match="no repository at"):
        Repository(tmp_path / "none", must_exist=True)
    assert Repository(tmp_path, must_exist=True).knowledge_bases() == ()


def test_what_is_no_knowledge_base_is_not_listed(revision: Path) -> None:
    root = revision.parents[1]
    (root / "notes.txt").write_text("")
    (root / "empty").mkdir()
    (root / "Upper" / "1").mkdir(parents=True)
    (root / "digits" / "readme").mkdir()
    (root / "digits" / "0").mkdir()
    assert Repository(root).knowledge_bases() == ("digits",)
    assert Repository(root).revisions("digits") == (1,)


@pytest.mark.parametrize(
    "missing", [("manifest.json",), ("model.safetensors",), ("rules.pl", "user.pl"), PROGRAM_FILES]
)
def test_a_half_written_revision_names_what_is_missing(
    revision: Path, missing: tuple[str, ...]
) -> None:
    for name in missing:
        (revision / name).unlink()
    with pytest.raises(BadRevision, match=f"{', '.join(missing)} (is|are) missing"):
        open_revision(revision)


def test_an_empty_revision_directory_names_everything(tmp_path: Path) -> None:
    (tmp_path / "digits" / "1").mkdir(parents=True)
    with pytest.raises(BadRevision, match=r"manifest\.json, model\.safetensors, quantiser\.pl"):
        Repository(tmp_path).revision("digits")


def test_other_weights_are_refused(revision: Path, drafts: ModuleType) -> None:
    (revision / "model.safetensors").write_bytes(drafts.WEIGHTS[:-1])
    with pytest.raises(BadRevision, match=r"model\.safetensors is not the file"):
        open_revision(revision)
    (revision / "model.safetensors").write_bytes(drafts.WEIGHTS)
    assert not open_revision(revision).edited


SPOILERS: list[tuple[Callable[[str], str], str]] = [
    (lambda text: text.replace('"fidelity": 0.9', '"fidelity": 0.95'), "changed since"),
    (lambda text: text[: len(text) // 2], "no JSON"),
    (lambda text: "", "no JSON"),
    (lambda text: "[]", "schema None"),
    (lambda text: text.replace('"schema": 1', '"schema": 2'), "schema 2"),
]


@pytest.mark.parametrize(("spoil", "message"), SPOILERS)
def test_a_damaged_manifest_is_refused(
    revision: Path, spoil: Callable[[str], str], message: str
) -> None:
    path = revision / "manifest.json"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(BadRevision, match=message):
        open_revision(revision)


def test_a_manifest_that_was_only_laid_out_anew_is_accepted(
    revision: Path, drafts: ModuleType
) -> None:
    path = revision / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert open_revision(revision).manifest.figures == drafts.FIGURES


def test_a_manifest_is_the_same_after_a_round_trip(drafts: ModuleType) -> None:
    manifest = replace(drafts.manifest().describing(drafts.QUANTISATION), files={"rules.pl": "00"})
    text = manifest.to_json()
    assert Manifest.from_json(text) == manifest
    assert Manifest.from_json(text).to_json() == text


def test_a_rule_edited_by_hand_is_accepted_and_told(revision: Path) -> None:
    before = open_revision(revision)
    path = revision / "rules.pl"
    path.write_text(path.read_text().replace("\\+ active(Image, conv3_c2), ", "") + "% by hand\n")
    after = open_revision(revision)
    assert after.edited == ("rules.pl",)
    assert after.edited_since_measured
    assert len(after.program.rules[0].body) == 2
    assert after.etag != before.etag
    assert after.quantiser_etag == before.quantiser_etag


@pytest.mark.parametrize("name", EDITABLE_FILES)
def test_every_program_file_counts_for_the_etag(revision: Path, name: str) -> None:
    before = program_etag(revision)
    assert before == open_revision(revision).etag
    with (revision / name).open("a") as stream:
        stream.write("% a remark\n")
    assert program_etag(revision) != before
    assert program_etag(revision) == open_revision(revision).etag


def test_a_syntax_error_made_by_hand_is_told_with_file_line_and_column(revision: Path) -> None:
    path = revision / "rules.pl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(
        "".join([*lines[:3], "class(Image, x) :- rule(r8, Image) active(\n", *lines[3:]])
    )
    with pytest.raises(BadProgram) as caught:
        open_revision(revision)
    issue = caught.value.issues[0]
    assert (issue.file, issue.line) == (str(path), 4)
    assert issue.column > 1
    assert f"{path}:4:" in str(caught.value)


def test_errors_are_findings_to_the_check_and_not_exceptions(revision: Path) -> None:
    source, edited = check_revision(revision)
    assert not source.errors and not edited
    (revision / "rules.pl").write_text(
        "policy(ordered).\nclass(I, a) :- rule(r1, I), active(I, x).\n"
    )
    source, edited = check_revision(revision)
    errors = source.errors
    assert edited == ("rules.pl",)
    assert {issue.code for issue in errors} >= {"undeclared_proposition"}
    assert {issue.line for issue in errors if issue.code == "undeclared_proposition"} == {2}


def test_a_class_that_the_network_does_not_have_is_refused(revision: Path) -> None:
    path = revision / "rules.pl"
    text = path.read_text()
    path.write_text(text.replace("class_order(['Digit_0', ", "class_order([lorry, 'Digit_0', "))
    with pytest.raises(BadProgram, match="no class 'lorry'"):
        open_revision(revision)
    path.write_text(
        text.replace("class_order(['Digit_0', 'digit 1'])", "class_order(['digit 1', 'Digit_0'])")
    )
    after = open_revision(revision)
    assert after.program.classes == ("Digit_0", "digit 1")
    assert after.program.class_order == ("digit 1", "Digit_0")


def test_a_class_of_the_network_that_the_program_does_not_name_is_told(revision: Path) -> None:
    path = revision / "rules.pl"
    path.write_text("default_class('Digit_0').\n")
    source, _ = check_revision(revision)
    (told,) = source.issues
    assert (told.severity, told.code) == ("warning", "unreachable_class")
    assert told.message == "no rule can reach class digit 1, and it is not the default"


def test_a_program_file_that_is_not_utf8_is_told_with_its_place(revision: Path) -> None:
    path = revision / "user.pl"
    path.write_bytes("% é\ncafé(I) :- active(I, conv3_c1).\n".encode())
    assert open_revision(revision).edited == ("user.pl",)
    path.write_bytes(b"% ok\ncaf\xe9(I) :- active(I, conv3_c1).\n")
    with pytest.raises(BadProgram, match=r"user\.pl:2:4: error: not UTF-8"):
        open_revision(revision)


def test_a_proposition_added_by_hand_has_no_scale(revision: Path, drafts: ModuleType) -> None:
    with (revision / "quantiser.pl").open("a") as stream:
        stream.write("proposition(conv3_c7, channel(conv3, 7, l1), 0.1).\n")
    after = open_revision(revision)
    assert after.quantisation.names[-1] == "conv3_c7"
    assert after.quantisation.scales == (*drafts.QUANTISATION.scales, 0.0)
    assert after.quantisation.thresholds[-1] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("repository/digits", Address(Path("repository"), "digits")),
        ("repository/digits/3", Address(Path("repository"), "digits", 3)),
        ("/a/b/digits/12/", Address(Path("/a/b"), "digits", 12)),
        ("digits", Address(Path(), "digits")),
        ("digits/3", Address(Path(), "digits", 3)),
        ("r/2cats", Address(Path("r"), "2cats")),
    ],
)
def test_names_of_revisions_are_paths(text: str, address: Address) -> None:
    assert parse_name(text) == address


@pytest.mark.parametrize(
    "text", ["", ".", "/", "r/Digits", "r/3/3", "r/digits/0", "3", "r/digits/x y"]
)
def test_what_names_no_knowledge_base_is_refused(text: str) -> None:
    with pytest.raises(BadOption, match="names no knowledge base"):
        parse_name(text)


def test_a_program_without_rules_can_be_published(tmp_path: Path, drafts: ModuleType) -> None:
    empty = Program((), drafts.PROGRAM.classes, default="digit 1")
    revision = Repository(tmp_path).publish("digits", replace(drafts.draft(), program=empty))
    assert revision.program.rules == ()
    assert revision.program.default == "digit 1"
