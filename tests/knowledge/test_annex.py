"""Annexes of a published revision: files that appear whole, beside a program they do not touch."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import ModuleType

import pytest

from proofsight_server.errors import BadOption, BadRevision
from proofsight_server.knowledge import publication
from proofsight_server.knowledge.annex import add_annex, named_by_content
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import Revision


@pytest.fixture
def revision(drafts: ModuleType, tmp_path: Path) -> Revision:
    return Repository(tmp_path).publish("digits", drafts.draft())


def below(directory: Path) -> list[str]:
    return sorted(str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file())


def test_an_annex_stands_beside_the_program_and_changes_no_etag(revision: Revision) -> None:
    before = below(revision.directory)
    path = add_annex(revision, "gallery/pictures/a.png", b"pixels")
    assert path == revision.directory / "gallery" / "pictures" / "a.png"
    assert path.read_bytes() == b"pixels"
    assert below(revision.directory) == sorted([*before, "gallery/pictures/a.png"])
    again = Repository(revision.directory.parent.parent).revision("digits")
    assert (again.etag, again.edited) == (revision.etag, ())


def test_the_same_content_twice_is_one_file(revision: Revision) -> None:
    first = add_annex(revision, "gallery/a.png", b"pixels")
    number = first.stat().st_ino
    assert add_annex(revision.directory, "gallery/a.png", b"pixels") == first
    assert first.stat().st_ino == number
    assert below(first.parent) == ["a.png"]


def test_other_content_under_a_taken_name_is_refused_and_the_first_stays(
    revision: Revision,
) -> None:
    path = add_annex(revision, "gallery/a.png", b"pixels")
    with pytest.raises(BadRevision, match="never rewritten"):
        add_annex(revision, "gallery/a.png", b"other pixels")
    assert path.read_bytes() == b"pixels"
    assert below(path.parent) == ["a.png"]


@pytest.mark.parametrize(
    "path",
    ["rules.pl", "gallery", "/gallery/a.png", "gallery/../rules.pl", "other/a.png", "gallery/.a"],
)
def test_a_path_that_leads_elsewhere_is_refused(revision: Revision, path: str) -> None:
    before = below(revision.directory)
    with pytest.raises(BadOption, match="no place for an annex"):
        add_annex(revision, path, b"pixels")
    assert below(revision.directory) == before


def test_without_a_revision_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(BadRevision, match="no revision at"):
        add_annex(tmp_path / "digits" / "1", "gallery/a.png", b"pixels")
    assert not list(tmp_path.iterdir())


def test_of_two_writers_with_different_content_one_is_refused(revision: Revision) -> None:
    outcomes: list[object] = []

    def write(data: bytes) -> None:
        try:
            outcomes.append(add_annex(revision, "gallery/a.png", data).read_bytes())
        except BadRevision:
            outcomes.append(None)

    writers = [threading.Thread(target=write, args=(bytes([n]) * 4096,)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    kept = (revision.directory / "gallery" / "a.png").read_bytes()
    assert sorted(outcomes, key=str) == sorted([kept, *[None] * 7], key=str)
    assert below(revision.directory / "gallery") == ["a.png"]


def test_a_disk_that_fails_leaves_nothing_in_sight(
    revision: Revision, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("proofsight_server.knowledge.annex.sync", fail)
    with pytest.raises(OSError, match="No space"):
        add_annex(revision, "gallery/a.png", b"pixels")
    assert below(revision.directory / "gallery") == []


def test_a_file_system_without_links_gets_the_file_too(
    revision: Revision, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = add_annex(revision, "gallery/a.png", b"pixels")
    assert path.read_bytes() == b"pixels"
    assert below(path.parent) == ["a.png"]


def test_what_a_killed_writer_left_is_swept_after_an_hour(revision: Revision) -> None:
    path = add_annex(revision, "gallery/a.png", b"pixels")
    leftover = path.with_name(f"{publication.LEFTOVER}1-2")
    leftover.write_bytes(b"pix")
    now = leftover.stat().st_mtime
    publication.sweep(path.parent, now + publication.ABANDONED_SECONDS - 1)
    assert leftover.exists()
    os.utime(leftover)
    publication.sweep(path.parent, now + 2 * publication.ABANDONED_SECONDS)
    assert below(path.parent) == ["a.png"]


def test_a_name_by_content_keeps_folder_and_suffix() -> None:
    name = named_by_content("gallery/index.html", b"a")
    assert name.startswith("gallery/index-") and name.endswith(".html")
    assert name == named_by_content("gallery/index.html", b"a")
    assert name != named_by_content("gallery/index.html", b"b")
