"""A hand-made program by points behind a real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofsight import Client, Kind, Status
from proofsight_server.knowledge.repository import Repository
from proofsight_server.serving.configuration import Configuration
from tests.serving.conftest import ServerThread

RULES = """\
points(Image, digit_0, 1) :- rule(p1, Image), active(Image, {0}).
points(Image, digit_0, -9) :- rule(p2, Image), active(Image, {1}), \\+ active(Image, {1}).
points(Image, digit_1, 2) :- rule(p3, Image), \\+ active(Image, {0}), \\+ ab(p3, Image).
ab(p3, Image) :- rule(p3_1, Image), active(Image, {1}), active(Image, {2}).
policy(points).
base_points(digit_2, 7).
base_points(digit_1, -3).
class_order([{classes}]).
"""


@pytest.fixture(scope="module")
def client(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    root = tmp_path_factory.mktemp("points") / "repository"
    shutil.copytree(repository, root)
    revision = Repository(root).revision("digits")
    names = [p.name for p in revision.quantisation.observable]
    rules = RULES.format(*names, classes=", ".join(revision.program.classes))
    (Path(revision.directory) / "rules.pl").write_text(rules, encoding="utf-8")
    thread = ServerThread(root, Configuration(port=0, workers=1, refresh=0))
    with Client(thread.address, timeout=30) as client:
        yield client
    thread.stop()


def test_the_revision_tells_policy_and_bases(client: Client) -> None:
    revision = client.revision("digits")
    assert (revision.policy, revision.default_class) == ("points", None)
    assert revision.base_points == {"digit_1": -3, "digit_2": 7}
    assert revision.edited_since_measured


def test_the_lines_of_a_class_are_its_rules_with_their_exceptions(client: Client) -> None:
    rules = client.rules("digits", "digit_1")
    assert [(rule.rule_id, rule.class_name) for rule in rules] == [("p3", "digit_1"), ("p3_1", "")]
    assert [rule.class_name for rule in client.rules("digits")][:2] == ["digit_0", "digit_0"]


def test_why_shows_the_winner_and_the_second(client: Client, png: bytes) -> None:
    classified = client.classify(png, "digits")
    why = client.why(png, "digits")
    assert (classified.decision.class_name, classified.decision.rule) == ("digit_2", None)
    assert why.decision == classified.decision
    assert why.holds
    first, second = (why.proof.nodes[child] for child in why.proof.nodes[0].children)
    assert first.score is not None
    assert second.score is not None
    assert (first.kind, first.class_name, first.score.points) == (Kind.SCORE, "digit_2", 7)
    assert (first.score.won, first.score.rival) == (True, second.class_name)
    assert first.score.margin == second.score.margin == 7 - second.score.points
    assert "digit_2 scores 7 from base 7" in why.proof.text()


def test_why_not_shows_the_lines_that_do_not_hold(client: Client, png: bytes) -> None:
    why = client.why_not(png, "digit_0", "digits", whole=True)
    assert not why.holds
    lines = {node.rule: node for node in why.proof.nodes if node.kind is Kind.POINTS}
    assert lines["p2"].status is Status.ABSENT
    assert (lines["p1"].points, lines["p2"].points) == (1, -9)


def test_scores_are_answers_with_proofs(client: Client, png: bytes) -> None:
    goal = "score(Image, Class, Points), Points > 5"
    (solution,) = client.query(goal, png, "digits", with_proofs=True)
    assert solution.bindings == {"Class": "digit_2", "Points": "7"}
    assert solution.proof is not None
    assert any(node.kind is Kind.SCORE for node in solution.proof.nodes)
