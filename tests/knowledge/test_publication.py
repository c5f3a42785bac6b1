"""Revisions appear whole or not at all, whoever is interrupted."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from proofsight_server.errors import (
    BadOption,
    BadProgram,
    UnknownKnowledgeBase,
)
from proofsight_server.knowledge import publication, repository
from proofsight_server.knowledge.publication import ABANDONED_SECONDS, LEFTOVER
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import (
    PROGRAM_FILES,
    Revision,
)
from proofsight_server.knowledge.source import write_rules
from proofsight_server.rules.program import ClassHead, Literal, Rule

HERE = Path(__file__).parent
Publish = Callable[..., list[dict[str, int]]]


def entries(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_a_published_revision_reads_back_as_its_draft(
    published: Revision, drafts: ModuleType
) -> None:
    draft = drafts.draft()
    assert published.quantisation == draft.quantisation
    assert published.program == draft.program
    assert published.marks == draft.labels
    assert published.labels == {"conv3_c1": "left wall"}
    assert published.user == draft.user
    assert published.name == "digits/1"
    assert not published.edited_since_measured
    assert published.manifest.figures == drafts.FIGURES
    assert set(published.manifest.files) == {"model.safetensors", *PROGRAM_FILES}
    assert sorted(p.name for p in published.directory.iterdir()) == sorted(
        ("manifest.json", "model.safetensors", *PROGRAM_FILES)
    )


def test_numbers_go_on_after_the_highest_not_into_gaps(tmp_path: Path, drafts: ModuleType) -> None:
    here = Repository(tmp_path)
    (tmp_path / "digits" / "7").mkdir(parents=True)
    assert here.publish("digits", drafts.draft()).directory.name == "8"
    assert here.revisions("digits") == (7, 8)
    assert here.latest("digits") == 8


def test_a_stray_file_with_a_number_is_not_replaced(tmp_path: Path, drafts: ModuleType) -> None:
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "4").write_text("mine")
    assert Repository(tmp_path).publish("digits", drafts.draft()).directory.name == "5"
    assert (tmp_path / "digits" / "4").read_text() == "mine"


def test_an_empty_repository_gets_its_first_revision(tmp_path: Path, drafts: ModuleType) -> None:
    root = tmp_path / "deep" / "repository"
    revision = Repository(root).publish("digits", drafts.draft())
    assert revision.directory == root / "digits" / "1"
    assert entries(root / "digits") == sorted(
        ["1", *(f"1/{name}" for name in ("manifest.json", "model.safetensors", *PROGRAM_FILES))]
    )


@pytest.mark.parametrize("name", ["", "Digits", "3", "a/b", "../x", "-a", ".new", "a b", "é"])
def test_a_name_that_is_none_is_refused_before_anything_is_written(
    tmp_path: Path, name: str, drafts: ModuleType
) -> None:
    with pytest.raises(BadOption, match="no name for a knowledge base"):
        Repository(tmp_path).publish(name, drafts.draft())
    assert entries(tmp_path) == []


def test_a_repository_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "repository").write_text("")
    with pytest.raises(BadOption, match="no directory that we may"):
        Repository(tmp_path / "repository").check_target("digits")
    Repository(tmp_path / "other").check_target("digits")


def test_a_program_that_fails_the_check_is_not_published(
    tmp_path: Path, drafts: ModuleType
) -> None:
    undeclared = Rule("r9", ClassHead("digit 1"), (Literal("conv9_c9"),))
    bad = replace(drafts.draft(), program=replace(drafts.PROGRAM, rules=(undeclared,)))
    with pytest.raises(BadProgram, match="conv9_c9"):
        Repository(tmp_path / "repository").publish("digits", bad)
    assert entries(tmp_path) == []


def test_what_reads_back_otherwise_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drafts: ModuleType
) -> None:
    text = write_rules(drafts.PROGRAM).replace("digit 1", "digit  1")
    texts = iter([text])
    monkeypatch.setattr(repository, "write_rules", lambda program: next(texts, "something else\n"))
    with pytest.raises(BadProgram):
        Repository(tmp_path / "repository").publish("digits", drafts.draft())
    assert entries(tmp_path) == []


def test_a_verifier_can_refuse_and_leaves_nothing(tmp_path: Path, drafts: ModuleType) -> None:
    def refuse(revision: Revision) -> None:
        assert revision.program == drafts.PROGRAM
        raise BadProgram("not this one")

    with pytest.raises(BadProgram, match="not this one"):
        Repository(tmp_path / "repository").publish("digits", drafts.draft(), verify=refuse)
    assert entries(tmp_path) == []


@pytest.mark.parametrize("moment", ["_write", "persist", "open_revision", "place"])
def test_ctrl_c_while_publishing_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, drafts: ModuleType
) -> None:
    here = Repository(tmp_path / "repository")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    owner = Repository if moment == "_write" else repository
    with monkeypatch.context() as patch:
        patch.setattr(owner, moment, interrupted)
        with pytest.raises(KeyboardInterrupt):
            here.publish("digits", drafts.draft())
    assert entries(tmp_path) == []
    assert here.publish("digits", drafts.draft()).directory.name == "1"


def test_losing_the_race_for_a_number_takes_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drafts: ModuleType
) -> None:
    here = Repository(tmp_path)
    here.publish("digits", drafts.draft())
    honest = Repository._free_number
    answers = iter([1])  # stale: somebody else has taken 1 meanwhile
    monkeypatch.setattr(
        Repository, "_free_number", staticmethod(lambda parent: next(answers, honest(parent)))
    )
    assert here.publish("digits", drafts.draft()).directory.name == "2"


@pytest.fixture(scope="module")
def publish() -> Iterator[Publish]:
    """Publishes in processes of their own, all at once, each killed at a step; 0 is never."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "drafts.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        ask, answers = process.stdin, process.stdout
        assert ask is not None and answers is not None

        def call(root: Path, *kill_at: int) -> list[dict[str, int]]:
            print(json.dumps({"root": str(root), "kill_at": kill_at}), file=ask, flush=True)
            ended: list[dict[str, int]] = json.loads(answers.readline())
            return ended

        yield call
        ask.close()


def test_two_processes_that_publish_at_once_get_two_numbers(
    tmp_path: Path, drafts: ModuleType, publish: Publish
) -> None:
    assert sorted(ended["number"] for ended in publish(tmp_path, 0, 0, 0)) == [1, 2, 3]
    here = Repository(tmp_path)
    assert [here.revision("digits", n).program for n in (1, 2, 3)] == [drafts.PROGRAM] * 3
    assert not list(tmp_path.glob(f"digits/{LEFTOVER}*"))


def test_a_process_killed_at_any_step_leaves_the_old_revision_serving(
    tmp_path: Path, drafts: ModuleType, publish: Publish
) -> None:
    here = Repository(tmp_path)
    first = here.publish("digits", drafts.draft())
    [whole] = publish(tmp_path, 0)
    steps = whole["steps"]
    assert steps > 20
    for step in sorted({1, 2, 3, 5, 8, steps // 2, steps - 8, steps - 5, steps - 4, steps - 3}):
        [killed] = publish(tmp_path, step)
        assert killed == {"returncode": -9}, step
        for number in here.revisions("digits"):
            assert here.revision("digits", number).program == drafts.PROGRAM
    assert (first.directory / "rules.pl").exists()
    assert list(tmp_path.glob(f"digits/{LEFTOVER}*"))
    assert here.knowledge_bases() == ("digits",)
    latest = here.latest("digits")
    assert here.publish("digits", drafts.draft()).directory.name == str(latest + 1)


def test_a_process_killed_before_any_revision_leaves_no_knowledge_base(
    tmp_path: Path, drafts: ModuleType, publish: Publish
) -> None:
    assert publish(tmp_path, 9) == [{"returncode": -9}]
    here = Repository(tmp_path)
    assert here.knowledge_bases() == ()
    with pytest.raises(UnknownKnowledgeBase):
        here.latest("digits")
    assert here.publish("digits", drafts.draft()).directory.name == "1"


def test_leftovers_are_removed_once_they_are_old(tmp_path: Path) -> None:
    old, young = tmp_path / f"{LEFTOVER}1-a", tmp_path / f"{LEFTOVER}2-b"
    for leftover in (old, young):
        leftover.mkdir()
        (leftover / "rules.pl").write_text("")
    past = time.time() - ABANDONED_SECONDS - 10
    for path in (old / "rules.pl", old, young):
        os.utime(path, (past, past))  # the directory is old in both, a file only in one
    publication.sweep(tmp_path)
    assert entries(tmp_path) == [young.name, f"{young.name}/rules.pl"]


def test_a_full_disk_is_told_by_the_directory_that_could_not_be_written(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="No space left") as caught,
        publication.prepared(tmp_path / "digits") as fresh,
    ):
        (fresh / "rules.pl").write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # a write names no file
    assert caught.value.filename == str(tmp_path / "digits")
    assert not (tmp_path / "digits").exists()
