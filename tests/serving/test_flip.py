"""What would change a decision, asked of a real server and asked again of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from proofsight import AsyncClient, Client, Facts, Flip, FlipStatus
from proofsight.errors import BadFacts, UnknownClass
from proofsight_server.vision.dataset import open_dataset

from .conftest import ServerThread


@pytest.fixture(scope="module")
def subjects(served: ServerThread) -> list[Facts]:
    images = open_dataset("digits").test.images[:6]
    with Client(served.address) as client:
        return list(client.facts_stream(images, "digits"))


def changed(facts: Facts, flip: Flip) -> Facts:
    """The facts with values that the changes ask for."""
    values = dict(zip(facts.propositions, facts.values, strict=True))
    for change in flip.changes:
        assert values[change.proposition] == change.value
        threshold = np.float32(change.threshold)
        above = np.nextafter(threshold, np.float32(np.inf), dtype=np.float32)
        values[change.proposition] = float(above if change.active_after else threshold)
    return replace(facts, values=tuple(values.values()))


def test_changes_do_what_they_say_when_asked_again(
    served: ServerThread, subjects: list[Facts]
) -> None:
    with Client(served.address) as client:
        classes = client.revision("digits").classes
        for facts in subjects:
            own = client.classify(facts).decision
            for wanted in (None, *classes):
                flip = client.flip(facts, class_name=wanted)
                assert flip.decision == own
                if wanted == own.class_name:
                    assert (flip.status, flip.changes) == (FlipStatus.FOUND, ())
                elif flip.status is FlipStatus.FOUND:
                    again = client.classify(changed(facts, flip)).decision
                    assert again == flip.flipped
                    assert flip.verified
                    assert flip.lower_bound == len(flip.changes) > 0
                    assert again.class_name == wanted or wanted is None
                    assert again != own
                else:
                    assert flip.status is FlipStatus.IMPOSSIBLE
                    assert flip.lower_bound is None


async def test_the_asynchronous_client_says_the_same(
    served: ServerThread, subjects: list[Facts]
) -> None:
    async with AsyncClient(served.address) as client:
        flips = [await client.flip(facts) for facts in subjects]
    with Client(served.address) as client:
        for facts, flip in zip(subjects, flips, strict=True):
            assert replace(client.flip(facts), inferences=0) == replace(flip, inferences=0)


def test_an_unknown_class_is_refused(served: ServerThread, subjects: list[Facts]) -> None:
    with Client(served.address) as client:
        with pytest.raises(UnknownClass, match="digit_77"):
            client.flip(subjects[0], class_name="digit_77")
        assert client.flip(subjects[0], class_name="digit_7").status


def test_facts_that_do_not_fit_are_refused(served: ServerThread, subjects: list[Facts]) -> None:
    with Client(served.address) as client:
        facts = subjects[0]
        with pytest.raises(BadFacts, match="is missing"):
            client.flip(
                replace(facts, propositions=facts.propositions[1:], values=facts.values[1:])
            )


def test_a_search_takes_the_steps_that_it_may(served: ServerThread, subjects: list[Facts]) -> None:
    with Client(served.address) as client:
        facts = subjects[0]
        flips = {c: client.flip(facts, class_name=c) for c in client.revision("digits").classes}
        wanted = max(flips, key=lambda name: flips[name].steps)
        steps = flips[wanted].steps
        assert steps > 1
        assert client.flip(facts, class_name=wanted, max_steps=1).steps == 1
        assert client.flip(facts, class_name=wanted, max_steps=steps).steps == steps


def test_a_limit_too_low_for_any_search_cuts_it_short(
    served: ServerThread, subjects: list[Facts]
) -> None:
    with Client(served.address) as client:
        flip = client.flip(subjects[0], max_inferences=10)
        assert (flip.status.name, flip.cut_short) == ("CUT_SHORT", "inferences")
        assert (flip.changes, flip.lower_bound, flip.verified) == ((), 1, False)
        own = client.flip(subjects[0], class_name=flip.decision.class_name, max_inferences=10)
        assert (own.status.name, own.lower_bound) == ("FOUND", 0)
