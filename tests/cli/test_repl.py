"""`proofsight repl`: SWI-Prolog's own top level on a knowledge base."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proofsight import toplevel
from proofsight.address import DEFAULT_SERVER

Run = Callable[..., tuple[int, str, str]]
STREET = Path(__file__).parents[1] / "prolog" / "revisions" / "street"
VALUES = {
    "conv3_c8": 0.25,
    "conv3_c12": 0.5,
    "conv3_c26": 3.0,
    "conv3_c26_t2": 3.0,
    "conv3_c40_max_g2_r0c1": 0.5,
    "fc1_u3": -0.5,
    "fc1_u7": 0.75,
}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """`R/KB` with two revisions; a directory of another name is none of them."""
    base = tmp_path / "R" / "street"
    for name in ("2", "10", "11.partial"):
        shutil.copytree(STREET, base / name)
    return base


def ask(*words: object, goals: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Type `goals` at the prompt that `proofsight repl` opens."""
    return subprocess.run(
        [sys.executable, "-m", "proofsight", "repl", *map(str, words)],
        input=goals,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(("name", "number"), [("", 10), ("/2", 2), ("/10", 10)])
def test_a_knowledge_base_on_disk_is_opened_at_its_newest_revision_or_another(
    base: Path, name: str, number: int
) -> None:
    opening = toplevel.from_repository(f"{base}{name}")
    assert opening.directory == base / str(number)
    assert opening.name == f"street/{number}"
    assert opening.environment()["PROOFSIGHT_SERVER"] == DEFAULT_SERVER
    first, second = opening.banner().splitlines()
    assert first == f"Proofsight: street/{number} ({base / str(number)})"
    assert "load_image('FILE', I)" in second


def test_the_current_directory_may_be_meant(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(base)
    assert toplevel.from_repository(".").name == "street/10"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("street/3", "has revisions 2, 10"),
        ("streat", "R has street; write REPOSITORY/KB"),
        ("", "R has street; write REPOSITORY/KB"),
        ("a/b/c", "`proofsight extract` makes one"),
    ],
)
def test_what_is_no_knowledge_base_is_refused_with_what_there_is(
    run: Run, base: Path, name: str, remedy: str
) -> None:
    code, out, err = run("repl", base.parent / name)
    assert (code, out) == (1, "")
    assert f"no knowledge base at {base.parent / name}: " in err
    assert remedy in err


def test_the_prompt_knows_the_words_of_the_knowledge_base(base: Path) -> None:
    done = ask(base, goals="label(conv3_c26, L, _).\nrules('Free Way').\n")
    assert done.returncode == 0
    assert "Proofsight: street/10" in done.stdout
    assert "L = 'left wall'" in done.stdout
    assert "class(Image, 'Free Way') :- rule(r2, Image)," in done.stdout


def test_only_load_image_needs_a_server_and_then_says_how_to_start_one(
    base: Path, tmp_path: Path
) -> None:
    (tmp_path / "x.png").write_bytes(b"1")
    done = ask(base, "--server", "127.0.0.1:1", goals=f"load_image('{tmp_path}/x.png', I).\n")
    assert "no server answers at 127.0.0.1:1; start one with `proofsight serve" in done.stderr
    assert "goal (directive)" not in done.stderr
    assert "[13]" not in done.stderr  # no stack: whoever asks wants none


def test_a_program_that_is_refused_opens_no_prompt(base: Path) -> None:
    rules = base / "10" / "rules.pl"
    rules.write_text(rules.read_text() + "class(I, x :- foo.\n")
    done = ask(base, goals="writeln(still_here).\n")
    assert done.returncode == 1
    assert "rules.pl:19:" in done.stderr
    assert "still_here" not in done.stdout


def test_a_server_gives_knowledge_and_facts_and_nothing_is_left_behind(
    server: Any, tmp_path: Path
) -> None:
    server.files = {file.name: file.read_text() for file in STREET.iterdir()}
    server.values = VALUES
    (tmp_path / "my picture.png").write_bytes(b"1")
    (tmp_path / "tmp").mkdir()
    goals = f"load_image('{tmp_path}/my picture.png', I), why(I, C).\nvehicle('my picture').\n"
    done = ask(
        "--server", server.address, "--kb", "street", goals=goals, TMPDIR=str(tmp_path / "tmp")
    )
    assert done.stderr.strip() == ""
    assert f"Proofsight: digits/3 (from {server.address})" in done.stdout
    assert "street holds by rule r1" in done.stdout
    assert "I = 'my picture'" in done.stdout
    assert server.requests[0].name == "knowledgeBases/street"
    # The revision that was exported is the one whose facts are asked for.
    assert server.requests[1].name == "knowledgeBases/digits/revisions/3"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_only_knowledge_base_of_a_server_need_not_be_named(
    server: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[toplevel.Opening] = []
    monkeypatch.setattr(toplevel.Opening, "run", lambda opening: opened.append(opening))
    server.files = {"../evil.pl": ""}
    assert run("repl", "--server", server.address)[0] == 1
    server.files = {"rules.pl": "x"}
    run("repl", "--server", server.address)
    assert [(o.name, o.temporary) for o in opened] == [("digits/3", True)]
    shutil.rmtree(opened[0].directory)
    server.kbs.clear()
    code, _, err = run("repl", "--server", server.address)
    assert code == 1
    assert "has none yet" in err


def test_it_must_be_said_what_to_open(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROOFSIGHT_SERVER")
    code, _, err = run("repl")
    assert code == 2
    assert "which knowledge base? write R/KB, or --server HOST:PORT" in err
    code, _, err = run("repl", "R/street", "--kb", "digits")
    assert code == 2
    assert "leave --kb out" in err


def test_a_missing_swi_prolog_is_named_with_its_package(
    run: Run, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    code, _, err = run("repl", base)
    assert code == 1
    assert "swipl) is not installed; on Debian: apt install swi-prolog-nox" in err


class Terminal:
    """`proofsight repl` on a terminal of its own."""

    def __init__(self, base: Path, home: Path) -> None:
        self._ours, theirs = os.openpty()
        environment = {**os.environ, "HOME": str(home), "TERM": "xterm"}
        environment.pop("XDG_DATA_HOME", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "proofsight", "repl", str(base)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        self.wait_for("?- ")

    def type(self, keys: str) -> None:
        """Press keys once the prompt takes them one by one; before, the system edits the line."""
        end = time.monotonic() + 30
        while termios.tcgetattr(self._ours)[3] & termios.ICANON:
            assert time.monotonic() < end, "the prompt never began to edit its line"
            time.sleep(0.01)
        os.write(self._ours, keys.encode())

    def wait_for(self, text: str) -> str:
        seen = ""
        end = time.monotonic() + 30
        while text not in seen:
            ready, _, _ = select.select([self._ours], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"{text!r} was not seen in {seen!r}")
            seen += os.read(self._ours, 65536).decode(errors="replace")
        return seen

    def end(self) -> int:
        self.type("halt.\r")
        try:
            return self.process.wait(30)
        finally:
            os.close(self._ours)


@pytest.fixture
def terminals(base: Path, tmp_path: Path) -> Iterator[Callable[[], Terminal]]:
    opened: list[Terminal] = []

    def start() -> Terminal:
        opened.append(Terminal(base, tmp_path))
        return opened[-1]

    yield start
    for terminal in opened:
        if terminal.process.poll() is None:
            terminal.process.kill()


def test_lines_can_be_edited_and_recalled_in_this_session_and_the_next(
    terminals: Callable[[], Terminal],
) -> None:
    up, left, erase = "\x1b[A", "\x1b[D", "\x7f"
    first = terminals()
    first.type("X = wrong(1).\r")
    first.wait_for("X = wrong(1).\r\n\r\n?- ")
    first.type(up + left * 4 + erase * 5 + "right\r")
    first.wait_for("X = right(1).\r\n\r\n?- ")
    assert first.end() == 0
    second = terminals()
    second.type(up + up + "\r")
    second.wait_for("X = right(1).\r\n\r\n?- ")
    assert second.end() == 0
