"""What `proofsight circuit --split` says: groups with circuits of their own, or none."""

from __future__ import annotations

from proofsight_server.commands.circuit_telling import split_lines


def test_groups_and_their_errors_are_told() -> None:
    level = {"keep": 0.2, "errors": [[0.05, 0.8], [0.75, None]], "separation": 0.7}
    found = {
        "found": True,
        "reason": "",
        "images": 30,
        "circuits": {
            "groups": [[0, 1, 2], [3, 4]],
            "separation": 0.7,
            "shuffled": [0.1, 0.2],
            "levels": [level],
        },
    }
    first, second = split_lines(found)
    assert "groups of 3 and 2 have circuits of their own" in first
    assert first.endswith(
        "err by 0.700 more on the others' images; shuffled groups' by 0.200 at most"
    )
    assert second.endswith("0.05 0.8; 0.75 undefined")


def test_no_split_is_told_with_its_reason() -> None:
    told = split_lines({"found": False, "reason": "no split found: too few", "images": 12})
    assert list(told) == ["routes of 12 images: no split found: too few"]
