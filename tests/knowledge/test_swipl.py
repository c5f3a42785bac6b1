"""SWI-Prolog is run within limits, and its failures are told."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import ModuleType

import pytest

from proofsight_server.errors import MemoryLimit, ProofsightError, TimeLimit
from proofsight_server.knowledge.reading import read_program
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.swipl import MEGABYTE, ToolLimits, run_tool


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory, drafts: ModuleType) -> Path:
    root = tmp_path_factory.mktemp("repository")
    return Repository(root).publish("digits", drafts.draft()).directory


def test_a_check_within_its_limits_answers(directory: Path) -> None:
    limits = ToolLimits(seconds=30, stack_bytes=64 * MEGABYTE, memory_bytes=512 * MEGABYTE)
    assert read_program(directory, limits=limits).checked().program.rules


def test_a_check_that_takes_too_long_is_ended(directory: Path) -> None:
    with pytest.raises(TimeLimit, match=r"in 0\.001 s"):
        read_program(directory, limits=ToolLimits(seconds=0.001))


@pytest.mark.parametrize(
    "limits",
    [ToolLimits(stack_bytes=2 * MEGABYTE), ToolLimits(memory_bytes=60 * MEGABYTE)],
    ids=["the stack", "the process"],
)
def test_a_program_too_large_for_its_limits_is_a_memory_limit(limits: ToolLimits) -> None:
    rules = "".join(f"class(I, a) :- rule(r{n}, I), active(I, p).\n" for n in range(20_000))
    with pytest.raises(MemoryLimit, match="out of memory"):
        read_program({"quantiser.pl": "", "rules.pl": rules}, limits=limits)


def test_wrong_usage_of_the_tool_tells_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(ProofsightError, match=r"status 2: .*check"):
        run_tool("check", str(tmp_path / "nowhere"))


def test_a_missing_swipl_says_what_to_install(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ProofsightError, match="install swi-prolog-nox"):
        read_program(directory)


def test_a_persons_init_file_is_no_part_of_a_check(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "swi-prolog").mkdir()
    for name in (".swiplrc", "swi-prolog/init.pl"):
        (tmp_path / name).write_text(":- write(noise), halt(9).\n")
    assert read_program(directory).checked().program.rules


def test_output_that_is_no_json_is_told(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "swipl"
    fake.write_text("#!/bin/sh\necho nonsense\necho 'a complaint' >&2\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ProofsightError, match="status 0: a complaint"):
        read_program(directory)


def test_a_locale_without_utf8_changes_nothing(
    drafts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    files = {
        "quantiser.pl": "",
        "rules.pl": "policy(ordered).\ndefault_class('straße é').\nclass_order(['straße é']).\n",
    }
    assert read_program(files).checked().program.default == "straße é"
