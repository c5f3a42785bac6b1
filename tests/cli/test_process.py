"""The command line as a process: exit codes, signals, pipes, what it imports."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from importlib.metadata import EntryPoint, version
from pathlib import Path
from typing import Any

import pytest

from proofsight.cli import main, plugins


def start(*argv: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "proofsight", *map(str, argv)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_the_version_is_that_of_the_distribution() -> None:
    assert finish(start("--version")) == (0, f"proofsight {version('proofsight')}\n", "")


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["why", "--help"]])
def test_help_and_version_do_not_wait_for_grpc(words: list[str]) -> None:
    program = (
        "import sys; from proofsight.cli import main; code = main(sys.argv[1:]); "
        "assert not {'grpc', 'google', 'rich', 'numpy', 'torch'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


def test_a_server_that_is_not_there_is_named_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, so that nobody else listens there meanwhile
        port = taken.getsockname()[1]
        code, out, err = finish(start("kbs", "--server", f"127.0.0.1:{port}"))
    assert (code, out) == (1, "")
    assert err == (
        f"proofsight: error: no server answers at 127.0.0.1:{port}; start one with `proofsight "
        f"serve REPOSITORY --port {port}`, or name another (--server HOST:PORT)\n"
    )


@pytest.mark.parametrize("command", ["kbs", "facts", "classify", "query"])
def test_ctrl_c_ends_a_question_with_130(server: Any, tmp_path: Path, command: str) -> None:
    server.block = threading.Event()
    image = tmp_path / "x.png"
    image.write_bytes(b"1")
    words: dict[str, list[object]] = {
        "facts": [image] * 3,
        "classify": [image] * 3,
        "query": [image, "--goal", "true"],
    }
    process = start(command, *words.get(command, []), "--server", server.address)
    while not server.requests and process.poll() is None:
        pass
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, out, err) == (130, "", "proofsight: interrupted\n")


def test_a_reader_that_has_enough_is_no_error(server: Any) -> None:
    server.rules *= 2000
    server.page = 1000
    process = start("rules", "--server", server.address)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=30)
    assert err == ""
    assert process.returncode == 141


def test_output_is_utf_8_whatever_the_locale(server: Any, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"1")
    process = start(
        "why",
        tmp_path / "x.png",
        "--server",
        server.address,
        PYTHONIOENCODING="ascii",
        LC_ALL="POSIX",
        PYTHONCOERCECLOCALE="0",
    )
    code, out, _ = finish(process)
    assert code == 0
    assert "└─ digit_7 holds by rule r12" in out


def test_colour_is_for_terminals(server: Any, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"1")
    command = [sys.executable, "-m", "proofsight", "why", str(tmp_path / "x.png")]
    environment = {**os.environ, "PROOFSIGHT_SERVER": server.address, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    ours, theirs = os.openpty()
    done = subprocess.run(command, stdout=theirs, env=environment, timeout=30, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "\x1b[32m" in shown
    plain = subprocess.run(command, capture_output=True, env=environment, timeout=30, check=True)
    assert b"\x1b" not in plain.stdout


# --- commands of other packages ---------------------------------------------


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that the entry points give as the command `demo`."""
    entry = EntryPoint("demo", "proofsight_demo_under_test", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "proofsight_demo_under_test", raising=False)
    return tmp_path / "proofsight_demo_under_test.py"


BODY = '''"""Shows 100 % of it.

At length.
"""

def add_arguments(parser):
    parser.add_argument("--out", default="here")

def run(args):
    {statement}
'''


def test_a_command_of_another_package_is_listed_and_run(
    command: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.write_text(BODY.format(statement="print(args.out); return 7"))
    assert main(["--help"]) == 0
    assert "demo      Shows 100 % of it\n" in capsys.readouterr().out
    assert main(["demo", "--out", "there"]) == 7
    assert capsys.readouterr().out == "there\n"
    assert main(["demo", "--help"]) == 0
    assert "At length." in capsys.readouterr().out


@pytest.mark.parametrize("place", ["top", "run"])
def test_a_missing_library_names_what_to_install(
    command: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    body = BODY.format(statement="import no_such_torch.nn")
    command.write_text(f"import no_such_torch\n{body}" if place == "top" else body)
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == (
        "proofsight: error: this command needs no_such_torch, which is not installed: "
        "pip install 'proofsight[server]'\n"
    )
    assert main(["--help"]) == 0


def test_an_error_of_the_server_side_is_told_like_one_of_ours(
    command: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.write_text(
        BODY.format(
            statement="from proofsight_server.errors import BadOption; raise BadOption('not 3')"
        )
    )
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == "proofsight: error: not 3\n"


def test_a_file_that_cannot_be_opened_is_named(
    command: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command.write_text(BODY.format(statement=f"open({str(tmp_path / 'none')!r})"))
    assert main(["demo"]) == 1
    assert "none: No such file or directory" in capsys.readouterr().err


def test_a_fault_of_ours_keeps_its_traceback(command: Path) -> None:
    command.write_text(BODY.format(statement="raise KeyError('ours')"))
    with pytest.raises(KeyError, match="ours"):
        main(["demo"])


def test_an_error_document_is_one_json_document(server: Any) -> None:
    process = start("why", "/no/such.png", "--json", "--server", server.address)
    code, out, err = finish(process)
    assert code == 1
    assert json.loads(out)["error"]["reason"] == "UNREADABLE"
    assert err == "proofsight: error: /no/such.png: No such file or directory\n"
