"""Refutations of a hand-made program of many rules, as a server gives them: readable, or whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofsight import Client, Kind, Proof, Status
from proofsight_server.knowledge.repository import Repository
from proofsight_server.serving.configuration import Configuration
from tests.serving.conftest import ServerThread

RIVALS, RULES, PROOF_NODES = 16, 12, 300


@pytest.fixture(scope="module")
def client(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Each class beats its rivals by rules that never fire: no image has a decision."""
    root = tmp_path_factory.mktemp("large") / "repository"
    shutil.copytree(repository, root)
    revision = Repository(root).revision("digits")
    names = [p.name for p in revision.quantisation.observable]
    layer = revision.quantisation.observable[0].layer
    declared, rules = [], []
    for at, name in enumerate(revision.program.classes):
        rivals = [f"beaten_{at}_{rival}" for rival in range(RIVALS)]
        declared += [f"proposition({rival}, derived({layer}), none)." for rival in rivals]
        body = ", ".join(f"active(Image, {rival})" for rival in rivals)
        rules.append(f"class(Image, {name}) :- rule(c{at}, Image), {body}.")
        for place, rival in enumerate(rivals):
            for number in range(RULES):
                first, second = names[number % 2], names[2 + place % 2]
                rules.append(
                    f"derived(Image, {rival}) :- rule(d{at}_{place}_{number}, Image), "
                    f"active(Image, {first}), \\+ active(Image, {first}), active(Image, {second})."
                )
    order = ", ".join(revision.program.classes)
    rules += ["policy(exclusive).", f"class_order([{order}])."]
    directory = Path(revision.directory)
    (directory / "rules.pl").write_text("\n".join(rules) + "\n", encoding="utf-8")
    with (directory / "quantiser.pl").open("a", encoding="utf-8") as file:
        file.write("\n".join(declared) + "\n")
    settings = Configuration(port=0, workers=1, refresh=0, proof_nodes=PROOF_NODES)
    thread = ServerThread(root, settings)
    with Client(thread.address, timeout=30) as client:
        yield client
    thread.stop()


def uses(proof: Proof) -> int:
    """The nodes, as often as they are children, and the root."""
    return 1 + sum(len(node.children) for node in proof.nodes)


def lines(proof: Proof) -> int:
    return len(proof.text().splitlines())


def test_why_nothing_was_decided_is_some_tens_of_lines_that_say_what_they_leave_out(
    client: Client, png: bytes
) -> None:
    why = client.why(png, "digits")
    assert (why.holds, why.decision.class_name, why.proof.cut_short) == (False, None, "")
    assert lines(why.proof) < 100
    root = why.proof.nodes[0]
    assert (len(root.children), root.left_out) == (3, 7)
    assert why.proof.text().splitlines()[-1] == "└─ and 7 more, farther from holding"
    derived = [n for n in why.proof.nodes if n.kind is Kind.ACTIVE and n.evidence is None]
    assert derived
    assert all(len(node.children) + node.left_out == RULES for node in derived)
    assert any(node.left_out == RULES for node in derived)
    assert "(rules not shown: 12)" in why.proof.text()


def test_one_class_is_refuted_as_briefly(client: Client, png: bytes) -> None:
    why = client.why_not(png, "digit_3", "digits")
    assert not why.holds
    assert lines(why.proof) < 100
    assert sum(node.left_out for node in why.proof.nodes) > 0


def test_a_whole_refutation_and_its_text_keep_to_the_most_nodes_and_say_so(
    client: Client, png: bytes
) -> None:
    whole = client.why(png, "digits", whole=True)
    assert whole.proof.cut_short == "nodes"
    assert any(node.status is Status.CUT_SHORT for node in whole.proof.nodes)
    assert not any(node.left_out for node in whole.proof.nodes)
    assert uses(whole.proof) <= PROOF_NODES
    assert lines(whole.proof) <= PROOF_NODES
    fewer = client.why(png, "digits", whole=True, max_nodes=30)
    assert uses(fewer.proof) <= 30


def test_more_of_what_was_left_out_is_had_by_asking_for_it(client: Client, png: bytes) -> None:
    why = client.why(png, "digits", goal="active(Image, beaten_3_0)", whole=True)
    assert len(why.proof.nodes[0].children) == RULES
    assert why.proof.cut_short == ""
