"""The client, the command line and the prompt against `proofsight serve` itself."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_digits

from proofsight import AsyncClient, Client, Facts, ProofsightError, errors
from proofsight.cli import main


def proofsight(*words: object, stdin: str | None = None, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "proofsight", *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("real")
    weights, data = f"{root}/w.safetensors", ("--data", "digits", "--model", "small-cnn")
    assert main(["train", *data, "--epochs", "2", "--out", weights]) == 0
    here = ("--repository", f"{root}/R", "--name", "digits", "--max-rules", "12")
    assert main(["extract", *data, "--weights", weights, *here]) == 0
    return root / "R"


@pytest.fixture(scope="module")
def address(repository: Path) -> Iterator[str]:
    words = [sys.executable, "-m", "proofsight", "serve", str(repository), "--port", "0"]
    process = subprocess.Popen([*words, "--workers", "2"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = next((line for line in process.stderr if line.startswith("proofsight: serving ")), "")
    try:
        assert said.startswith("proofsight: serving digits on "), said
        yield said.split()[-1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("images")
    digits = load_digits()
    for index in range(6):
        pixels = (digits.images[index] * 255 / 16).astype("uint8")
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address, timeout=30) as client:
        yield client


def assert_alike(one: Facts, other: Facts) -> None:
    """The same facts, but for a network that rounds differently from one run to the next."""
    assert one.propositions == other.propositions
    assert one.values == pytest.approx(other.values, rel=1e-4, abs=1e-4)


def test_the_prompt_and_the_command_line_explain_with_the_same_words(
    address: str, repository: Path, images: list[Path]
) -> None:
    for image in images[:2]:
        told = proofsight("why", image, "--server", address)
        shown = proofsight(
            *("repl", repository / "digits", "--server", address),
            stdin=f"load_image('{image}', I), why(I, C).\n",
        )
        assert told.count("\n") >= 3
        assert told in shown


def test_facts_stand_for_their_image(client: Client, images: list[Path]) -> None:
    for image in images:
        why = client.why(image, "digits", with_facts=True)
        assert why.facts is not None
        assert client.why(why.facts, with_facts=True) == why
        assert client.classify(why.facts).decision == why.decision
        again = Facts.from_dict(json.loads(json.dumps(why.facts.to_dict())))
        assert client.why(again).proof == why.proof


def test_pixels_and_files_are_the_same_image(client: Client, images: list[Path]) -> None:
    for file in images[:2]:
        with Image.open(file) as image:
            assert_alike(client.facts(image, "digits"), client.facts(file, "digits"))
    assert_alike(client.facts(images[0].read_bytes(), "digits"), client.facts(images[0], "digits"))


def test_a_stream_gives_the_facts_that_single_calls_give(
    client: Client, address: str, images: list[Path]
) -> None:
    *streamed, last = client.facts_stream([*images, b"junk"], "digits", return_errors=True)
    assert isinstance(last, errors.BadImage)

    async def read() -> list[Facts]:
        async with AsyncClient(address) as other:
            return [facts async for facts in other.facts_stream(images, "digits")]

    single = [client.facts(image, "digits") for image in images]
    for answers in (streamed, asyncio.run(read())):
        assert len(answers) == len(single)
        for one, other in zip(answers, single, strict=True):
            assert isinstance(one, Facts)
            assert_alike(one, other)


def test_asynchronous_answers_are_the_same_answers(
    client: Client, address: str, images: list[Path]
) -> None:
    facts = client.facts(images[0], "digits")

    async def ask() -> tuple[object, ...]:
        async with AsyncClient(address, timeout=30) as other:
            query = other.query("active(Image, P)", facts, with_proofs=True)
            return (
                await other.why_not(facts, "digit_1"),
                await other.rules("digits"),
                await other.revision("digits"),
                await other.knowledge_bases(),
                [solution async for solution in query],
            )

    assert asyncio.run(ask()) == (
        client.why_not(facts, "digit_1"),
        client.rules("digits"),
        client.revision("digits"),
        client.knowledge_bases(),
        list(client.query("active(Image, P)", facts, with_proofs=True)),
    )


@pytest.mark.parametrize(
    ("goal", "kind"),
    [
        ("class(Image, C", errors.BadGoal),
        ("no_such(Image)", errors.BadGoal),
        ("shell(ls)", errors.UnsafeGoal),
        ("active(I,A), active(I,B), active(I,C), active(I,D), A @> A", errors.InferenceLimit),
        ("numlist(1, 100000000, L)", errors.ResourceExhausted),
    ],
)
def test_a_goal_that_will_not_do_is_refused_and_the_next_is_answered(
    client: Client, images: list[Path], goal: str, kind: type[ProofsightError]
) -> None:
    with pytest.raises(kind) as caught:
        list(client.query(goal, images[0], "digits"))
    assert caught.value.message
    assert [s["X"] for s in client.query("member(X, [1, 'A b'])", kb="digits")] == ["1", "'A b'"]


def test_names_that_nothing_bears_come_with_the_nearest(client: Client, images: list[Path]) -> None:
    with pytest.raises(errors.UnknownClass, match="digit_7"):
        client.why(images[0], "digits", "digit_77")
    with pytest.raises(errors.UnknownKnowledgeBase, match="digits"):
        client.why(images[0], "digit")
    with pytest.raises(errors.UnknownRevision, match="digits/1"):
        client.revision("digits/2")


def test_a_program_can_be_exported_edited_and_checked(client: Client, tmp_path: Path) -> None:
    program = client.export("digits")
    program.write(tmp_path)
    assert client.check("digits", {"rules.pl": tmp_path / "rules.pl"}).ok
    report = client.check("digits", {"rules.pl": f"{program.files['rules.pl']}class(I, x :- y.\n"})
    assert not report.ok
    assert report.findings[0].path == "rules.pl"
    assert report.findings[0].line == program.files["rules.pl"].count("\n") + 1


def test_a_query_that_is_left_ends(client: Client, images: list[Path]) -> None:
    with client.query("between(1, 100000, X)", images[0], "digits") as solutions:
        assert next(solutions)["X"] == "1"
    assert client.health()
    assert client.health("proofsight.v1.Explanations")
