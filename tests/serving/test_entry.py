"""Questions that are entered at a layer, about a chained program and all held-out digits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proofsight import Client
from proofsight.errors import BadFacts, InvalidArgument, ProofsightError, UnknownLayer
from proofsight.facts import Facts
from proofsight.node import Status
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.knowledge.repository import Repository, parse_name
from proofsight_server.knowledge.revision import Revision
from proofsight_server.rules.entry import observed_at
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.serving.configuration import Configuration
from proofsight_server.vision.dataset import open_dataset

from .conftest import ServerThread

KB = "chained"
ENTRIES = ("conv3", "conv2")


@pytest.fixture(scope="module")
def chained(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one knowledge base, chained over two layers."""
    directory = tmp_path_factory.mktemp("entry") / "repository"
    options = ExtractOptions(
        layers=ENTRIES,
        layer_grids={"conv2": (1, 2)},
        chain="faithful",
        chain_leaves=8,
        max_rules=15,
    )
    extract(options, source, Repository(directory), KB)
    return directory


@pytest.fixture(scope="module")
def client(chained: Path) -> Iterator[Client]:
    thread = ServerThread(chained, Configuration(port=0, workers=1, refresh=0))
    with Client(thread.address, timeout=60) as client:
        yield client
    thread.stop()


@pytest.fixture(scope="module")
def revision(chained: Path) -> Revision:
    return parse_name(str(chained / KB)).open()


@pytest.fixture(scope="module")
def seen(client: Client) -> list[Facts]:
    """The facts of all held-out digits, every layer observed."""
    images = [np.asarray(image) for image in open_dataset("digits").test.images]
    return list(client.facts_stream(images, KB))


@pytest.mark.parametrize("entry", ENTRIES)
def test_prolog_proof_and_vectorised_evaluation_agree_on_every_digit(
    entry: str, client: Client, revision: Revision, seen: list[Facts]
) -> None:
    quantisation, program = revision.quantisation, revision.program
    # The very values that were sent, since another batch may move their last bits.
    values = np.array([facts.values for facts in seen], dtype=np.float32)
    assert all(facts.propositions == quantisation.names for facts in seen)
    observed = observed_at(entry, program, quantisation.by_layer)
    expected = evaluate(
        program, quantisation.bits(values), quantisation.names, observed=observed
    ).decisions
    assert len(seen) == len(open_dataset("digits").test)
    allowed = {name for name in quantisation.names if name in observed}
    for facts, decision in zip(seen, expected, strict=True):
        wanted = program.classes[decision]
        why = client.why(facts, entry=entry)
        assert why.decision.class_name == wanted
        assert why.holds and why.proof.nodes[why.proof.root].status is Status.PROVED
        read = {node.evidence.proposition for node in why.proof.nodes if node.evidence}
        assert read and read <= allowed, "a proof stands on observed values only"
        assert client.classify(facts, entry=entry).decision == why.decision
        with client.query("decision(Image, C)", facts, entry=entry) as solutions:
            assert [solution["C"] for solution in solutions] == [wanted]


def test_a_proof_entered_below_runs_through_derived_rules(
    client: Client, seen: list[Facts]
) -> None:
    text = client.why(seen[0], entry="conv2").text()
    assert "conv3_c" in text and "conv2_c" in text and " by rule d" in text
    assert "conv2_c" not in client.why(seen[0], entry="conv3").text()
    assert client.why(seen[0]).text() == client.why(seen[0], entry="conv3").text()


def test_an_image_is_entered_as_its_facts_are(client: Client, seen: list[Facts]) -> None:
    image = np.asarray(open_dataset("digits").test.images[0])
    facts = client.facts(image, KB, entry="conv2")
    assert all(name.startswith("conv2") for name in facts.propositions)
    assert {name for name, _ in facts.measured} == {
        name for name in seen[0].propositions if name.startswith("conv3")
    }
    # one image alone is summed in another order than a batch
    assert dict(facts.measured)["conv3_c0"] == pytest.approx(seen[0]["conv3_c0"], rel=1e-4)
    (streamed,) = client.facts_stream([image], KB, entry="features.3")  # the path of conv2
    assert streamed == facts
    of_image = client.why(image, KB, entry="conv2", with_facts=True)
    assert of_image.to_dict() == client.why(facts, entry="conv2", with_facts=True).to_dict()
    assert of_image.to_dict() == client.why(facts, with_facts=True).to_dict()
    again = Facts.from_dict(facts.to_dict())
    assert again == facts


def test_what_was_measured_can_be_observed_again(client: Client) -> None:
    image = np.asarray(open_dataset("digits").test.images[1])
    low = client.facts(image, KB, entry="conv2")
    whole = client.facts(image, KB)
    assert client.why(low, entry="conv3").to_dict() == client.why(whole).to_dict()
    assert client.why(low).to_dict() != client.why(whole).to_dict()


def test_what_is_measured_can_be_asked_and_never_decides(client: Client, seen: list[Facts]) -> None:
    facts = seen[0]
    with client.query("measured(Image, conv3_c0, V)", facts, KB, entry="conv2") as found:
        (solution,) = found
    assert float(solution["V"]) == facts["conv3_c0"]
    for goal, entry in (("measured(Image, _, _)", "conv3"), ("value(Image, conv3_c0, _)", "conv2")):
        with client.query(goal, facts, KB, entry=entry) as found:
            assert list(found) == []
    # Turned round, every measured value leaves the decision as it is.
    low = client.facts(np.asarray(open_dataset("digits").test.images[0]), KB, entry="conv2")
    odd = Facts.from_dict({**low.to_dict(), "measured": {n: 1e6 - v for n, v in low.measured}})
    assert client.why(odd).to_dict() == client.why(low).to_dict()


@pytest.mark.parametrize(
    ("entry", "error", "words"),
    [
        ("conv9", UnknownLayer, "no layer named 'conv9'; nearest: conv3, conv2"),
        ("conv1", UnknownLayer, "no layer named 'conv1'"),
        (
            "features.77",
            UnknownLayer,
            "no layer named 'features.77'; nearest: features.7, features.3",
        ),
    ],
)
def test_a_layer_that_the_program_does_not_read_is_refused_everywhere(
    entry: str,
    error: type[ProofsightError],
    words: str,
    client: Client,
    seen: list[Facts],
) -> None:
    image: Any = np.asarray(open_dataset("digits").test.images[0])
    asking = (
        lambda: client.why(image, KB, entry=entry),
        lambda: client.why(seen[0], entry=entry),
        lambda: client.why_not(image, "digit_0", KB, entry=entry),
        lambda: client.classify(image, KB, entry=entry),
        lambda: client.facts(image, KB, entry=entry),
        lambda: list(client.facts_stream([image], KB, entry=entry)),
        lambda: list(client.query("true", image, KB, entry=entry)),
    )
    for ask in asking:
        with pytest.raises(error, match=words):
            ask()


def test_facts_without_values_of_the_entry_layer_are_refused(
    client: Client, seen: list[Facts]
) -> None:
    whole = seen[0].to_dict()
    upper = {name: v for name, v in whole["values"].items() if name.startswith("conv3")}
    only = Facts.from_dict({**whole, "values": upper})
    with pytest.raises(BadFacts, match="entered at conv2, but its facts have no value of conv2"):
        client.why(only, entry="conv2")
    assert client.why(only, entry="conv3").decision == client.why(seen[0]).decision


def test_measurements_that_the_revision_cannot_have_are_refused(
    client: Client, seen: list[Facts]
) -> None:
    low = {**seen[0].to_dict(), "measured": {"nope": 1.0}}
    with pytest.raises(BadFacts, match=r"measured value 1\.0 of 'nope'"):
        client.why(Facts.from_dict(low))
    assert client.why(Facts.from_dict({**low, "measured": {"conv3_c0": 1.0}})).holds


def test_a_program_without_a_chain_is_entered_at_its_one_layer_only(
    repository: Path,
) -> None:
    thread = ServerThread(repository, Configuration(port=0, workers=1, refresh=0))
    try:
        with Client(thread.address, timeout=60) as client:
            image = np.asarray(open_dataset("digits").test.images[0])
            plain = client.why(image, "digits").to_dict()
            assert client.why(image, "digits", entry="conv3").to_dict() == plain
            with pytest.raises(UnknownLayer, match="nearest: conv3"):
                client.why(image, "digits", entry="conv2")
    finally:
        thread.stop()


def test_a_layer_above_which_nothing_decides_is_refused(source: Source, tmp_path: Path) -> None:
    directory = tmp_path / "repository"
    extract(ExtractOptions(layers=ENTRIES), source, Repository(directory), "both")
    thread = ServerThread(directory, Configuration(port=0, workers=1, refresh=0))
    try:
        with Client(thread.address, timeout=60) as client:
            image = np.asarray(open_dataset("digits").test.images[0])
            with pytest.raises(InvalidArgument, match=r"cannot be entered at conv2: .*derived/2"):
                client.why(image, "both", entry="conv2")
            assert client.why(image, "both", entry="conv3").holds
    finally:
        thread.stop()
