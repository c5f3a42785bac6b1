"""Programs beside the ones they were made from: at each entry, on each split, for each class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsight_server.extraction.comparison import compare
from proofsight_server.extraction.extract import Source
from proofsight_server.extraction.probing import Seen, see
from proofsight_server.extraction.progress import Watch
from proofsight_server.extraction.revise import Revised, revise
from proofsight_server.extraction.split_comparison import compare_split
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import Revision
from proofsight_server.rules.edit import RemoveRule
from proofsight_server.rules.entry import observed_at
from proofsight_server.rules.evaluation import Evaluation, evaluate
from proofsight_server.rules.program import DerivedHead, Program
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.layers import resolve

SPLITS = ("train", "validation", "test")
CLASSES = ("cat", "dog", "eel")


@pytest.fixture(scope="module")
def seen(chained: Revision, source: Source) -> dict[str, Seen]:
    quantisation = chained.quantisation
    layers = resolve(source.network, [layer.module for layer in quantisation.layers])
    return see(
        source.dataset, source.network, quantisation.features, layers, batch=400, watch=Watch()
    )


@pytest.fixture(scope="module")
def without_a_derived_rule(
    chained: Revision, source: Source, seen: dict[str, Seen]
) -> tuple[Program, Revised]:
    """The program without the derived rule that decides most images, and what `revise` tells."""
    parent = chained.program
    derived = [rule for rule in parent.rules if isinstance(rule.head, DerivedHead)]
    before = decisions(parent, chained, seen["train"], "conv2")

    def moved(gone: str) -> int:
        left = replace(parent, rules=tuple(r for r in parent.rules if r.id != gone))
        return int((decisions(left, chained, seen["train"], "conv2") != before).sum())

    gone = max((rule.id for rule in derived), key=moved)
    left = replace(parent, rules=tuple(r for r in parent.rules if r.id != gone))
    revised = revise(
        chained,
        edits=[RemoveRule(gone)],
        dataset=source.dataset,
        network=source.network,
        repository=Repository(chained.directory.parent.parent),
        publish=False,
    )
    return left, revised


def decisions(program: Program, chained: Revision, split: Seen, entry: str) -> Ints:
    quantisation = chained.quantisation
    observed = observed_at(entry, program, quantisation.by_layer)
    bits = quantisation.bits(split.values)
    return evaluate(program, bits, quantisation.names, observed=observed).decisions


def test_an_edit_below_the_top_is_compared_at_every_entry(
    without_a_derived_rule: tuple[Program, Revised],
    chained: Revision,
    source: Source,
    seen: dict[str, Seen],
) -> None:
    left, revised = without_a_derived_rule
    document = revised.comparison.to_json()
    top, low = document["entries"]
    assert (top["layer"], low["layer"]) == ("conv3", "conv2")
    assert {key: document[key] for key in top if key != "layer"} == {
        key: top[key] for key in top if key != "layer"
    }
    assert low["train"]["changed"] > 0, "what the rule below decided is decided otherwise"
    assert top["train"]["changed"] == 0, "where conv3 is observed, no derived rule is asked"
    for entry in (top, low):
        for name in SPLITS:
            split, labels = seen[name], source.dataset.split(name).labels
            assert labels is not None
            first, second = (
                decisions(program, chained, split, entry["layer"])
                for program in (chained.program, left)
            )
            told = entry[name]
            assert told["images"] == len(labels)
            assert told["changed"] == (first != second).sum()
            for moment, found in (("before", first), ("after", second)):
                assert told["accuracy"][moment] == pytest.approx((found == labels).mean())
                assert told["fidelity"][moment] == pytest.approx((found == split.decisions).mean())
        ids = np.array(source.dataset.validation.ids)
        first, second = (
            decisions(program, chained, seen["validation"], entry["layer"])
            for program in (chained.program, left)
        )
        assert entry["changed_validation_images"] == list(ids[first != second])


def test_an_entry_that_only_one_of_the_programs_has_says_so(
    chained: Revision, source: Source, seen: dict[str, Seen]
) -> None:
    parent = chained.program
    rules = tuple(rule for rule in parent.rules if not isinstance(rule.head, DerivedHead))
    flat = replace(parent, rules=rules)
    compared = compare("three/1", parent, flat, chained.quantisation, seen, source.dataset)
    top, low = compared.to_json()["entries"]
    assert top["test"]["fidelity"]["after"] == top["test"]["fidelity"]["before"]
    assert low["layer"] == "conv2"
    assert low["test"]["fidelity"]["before"] is not None
    assert low["test"]["fidelity"]["after"] is None
    assert low["test"]["changed"] is None
    # with one entry there is nothing beside it
    same = compare("three/1", flat, flat, chained.quantisation, seen, source.dataset)
    assert [entry.layer for entry in same.entries] == ["conv3"]
    assert same.to_json()["entries"] == []


def test_labels_alone_compare_what_is_carried_over(chained: Revision, tmp_path: Path) -> None:
    revised = revise(
        chained,
        user="small(Image) :- decision(Image, 'digit 0').\n",
        repository=Repository(tmp_path),
        publish=False,
    )
    document = revised.comparison.to_json()
    figures: Any = chained.manifest.figures
    for name in SPLITS:
        fidelity = figures[name]["fidelity"]
        assert document[name]["fidelity"] == {"before": fidelity, "after": fidelity}
        assert (document[name]["changed"], document[name]["classes"]) == (0, {})
    assert document["size"]["rules"] == {"before": figures["rules"], "after": figures["rules"]}


@given(st.lists(st.tuples(*[st.integers(-1, 2)] * 2, *[st.integers(0, 2)] * 2), min_size=1))
def test_classes_are_those_of_which_an_image_changed_and_add_up(
    images: list[tuple[int, int, int, int]],
) -> None:
    before, after, network, labels = np.array(images).T
    split = Seen(np.zeros((len(images), 0), np.float32), network, labels)
    nothing = np.zeros(len(images), np.bool_)
    ids = [str(place) for place in range(len(images))]
    first, second = (Evaluation(found, found, nothing) for found in (before, after))
    compared = compare_split(first, second, split, ids, CLASSES)
    assert compared.changed == tuple(ids[at] for at, i in enumerate(images) if i[0] != i[1])
    assert sum(one.changed for one in compared.classes.values()) == len(compared.changed)
    for index, name in enumerate(CLASSES):
        own = [i for i in images if index in i[2:]]
        assert (name in compared.classes) == any(i[0] != i[1] for i in own)
        if name not in compared.classes:
            continue
        told = compared.classes[name]
        for moment, at in ((told.before, 0), (told.after, 1)):
            for key, truth in (("fidelity", 2), ("accuracy", 3)):
                hits = [i[at] == index for i in images if i[truth] == index]
                assert moment[key] == (pytest.approx(np.mean(hits)) if hits else None)
