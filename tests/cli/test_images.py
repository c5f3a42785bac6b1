"""Images and facts on the command line."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
REVISION = "knowledgeBases/digits/revisions/3"


def test_facts_of_one_image_are_prolog_about_img(run: Run, png: Path) -> None:
    code, out, _ = run("facts", png, "--prolog")
    assert code == 0
    assert out == (
        f"% file: {png}\n"
        f"% revision: {REVISION}\n"
        "% quantiser_etag: q1\n"
        "value(img, conv3_c12, 4.3125).\n"
        "value(img, conv3_c40, 0.10000000149011612).\n"
        "predicted(img, digit_7, 0.75).\n"
        "predicted(img, digit_1, 0.25).\n"
    )


def test_facts_of_several_images_are_prolog_about_their_files(run: Run, png: Path) -> None:
    other = png.with_name("it's.png")
    shutil.copy(png, other)
    _, out, _ = run("facts", png, other, "--prolog")
    assert f"value('{png}', conv3_c12, 7.0).\n" in out
    assert f"value('{png.parent}/it\\'s.png', conv3_c12, 7.0).\n" in out


def test_facts_for_people_stand_beside_their_thresholds(run: Run, png: Path) -> None:
    _, out, _ = run("facts", png)
    assert out == (
        f"{png}  digits/3\n"
        "  network: digit_7 0.750, digit_1 0.250\n"
        "  conv3_c12  4.312 > 2.1  ['left wall']\n"
        "  conv3_c40  0.1 ≤ 0.41\n"
    )


def test_a_directory_stands_for_the_images_beneath_it(run: Run, tmp_path: Path) -> None:
    for name, data in (("b/2.PNG", b"2"), ("a/1.jpeg", b"1"), ("notes.txt", b"x")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    code, out, _ = run("facts", tmp_path, "--json")
    assert code == 0
    assert [(Path(d["image"]).name, d["values"]["conv3_c12"]) for d in json.loads(out)] == [
        ("1.jpeg", 1.0),
        ("2.PNG", 2.0),
    ]
    (tmp_path / "none").mkdir()
    code, out, err = run("facts", tmp_path / "none")
    assert (code, out) == (1, "")
    assert "holds no .jpeg, .jpg, .png, .webp file" in err


@pytest.mark.parametrize("command", ["facts", "classify"])
def test_a_refused_image_among_others_is_told_of_in_its_place(
    run: Run, png: Path, command: str
) -> None:
    missing = png.with_name("missing.png")
    code, out, err = run(command, png, missing, png, "--json")
    answers = json.loads(out)
    assert code == 1
    assert [("error" in answer) for answer in answers] == [False, True, False]
    assert answers[1]["image"] == str(missing)
    assert err.count("\n") == 1
    assert f"{missing}: No such file or directory" in err
    code, out, _ = run(command, png, missing, png, "--prolog")
    assert code == 1
    assert out.count("% file") == 2


def test_an_image_comes_from_standard_input(
    run: Run, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"png")))
    assert run("why", "-")[0] == 0
    assert server.requests[-1].subject.image.encoded == b"png"


def test_facts_as_json_stand_for_their_image(
    run: Run, server: Any, png: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, document, _ = run("facts", png, "--json")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(document.encode())))
    assert run("why", "-")[0] == 0
    assert server.requests[-1].subject.facts.values[0] == 4.3125
    assert server.requests[-1].name == REVISION


@pytest.mark.parametrize(
    ("text", "message"),
    [("{nope", "looks like JSON, and is none"), ("[]", "holds a list"), ("{}", "are no facts")],
)
def test_a_document_that_holds_no_facts_is_refused(
    run: Run, png: Path, text: str, message: str
) -> None:
    png.write_text(text)
    code, out, err = run("why", png)
    assert (code, out) == (1, "")
    assert message in err
