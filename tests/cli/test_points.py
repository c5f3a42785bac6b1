"""The command line on a program by points."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from tests.client.fake_server import FakeServer


def test_rules_end_with_the_bases_of_the_classes_asked_for(
    server: FakeServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = server.revision()
    revision.policy = "points"
    revision.base_points.update({"digit_7": -3, "digit_1": 4})
    monkeypatch.setattr(server, "revision", lambda: revision)
    _, every, _ = run("rules")
    assert every.splitlines()[-2:] == ["base_points(digit_1, 4).", "base_points(digit_7, -3)."]
    _, one, _ = run("rules", "--class", "digit_7")
    assert [line for line in one.splitlines() if "base" in line] == ["base_points(digit_7, -3)."]
