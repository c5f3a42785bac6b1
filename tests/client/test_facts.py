"""Facts as values, on the wire, in JSON and in Prolog."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofsight import Facts, Prediction, Region, parsing
from proofsight.errors import BadFacts
from proofsight.v1 import facts_pb2

single = st.floats(allow_nan=False, allow_infinity=False, width=32)
atoms = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    names = tuple(draw(st.lists(atoms, unique=True, max_size=6)))
    return Facts(
        propositions=names,
        values=tuple(draw(single) for _ in names),
        predictions=tuple(
            Prediction(name, draw(st.floats(0, 1, width=32)))
            for name in draw(st.lists(atoms, max_size=3))
        ),
        regions=tuple(Region(0, 0.25, 0.5, 1) for _ in names) if draw(st.booleans()) else (),
        revision="knowledgeBases/digits/revisions/3",
        quantiser_etag="q1",
    )


@given(facts())
def test_facts_cross_the_wire_unchanged(value: Facts) -> None:
    data = parsing.facts_message(value).SerializeToString()
    assert parsing.facts(facts_pb2.ImageFacts.FromString(data)) == value


@given(facts())
def test_facts_pass_through_json_unchanged(value: Facts) -> None:
    assert Facts.from_dict(json.loads(json.dumps(value.to_dict()))) == value


def read_back(file: Path) -> list[list[str]]:
    """The facts in a file as SWI-Prolog reads them: functor, codes of atoms, hexadecimal floats."""
    program = (
        "current_prolog_flag(argv, [File]), open(File, read, In, [encoding(utf8)]), "
        "repeat, read_term(In, T, []), ( T == end_of_file -> ! ; T =.. [F,I,P,V], float(V), "
        "atom(I), atom(P), atom_codes(I, Is), atom_codes(P, Ps), "
        "format('~w ~w ~w ~17g~n', [F,Is,Ps,V]), fail ), halt"
    )
    done = subprocess.run(
        ["swipl", "-q", "-g", program, "-t", "halt(3)", "--", str(file)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return [line.split(" ") for line in done.stdout.splitlines()]


def codes(atom: str) -> str:
    return "[" + ",".join(str(ord(c)) for c in atom) + "]"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(facts(), min_size=20, max_size=20), atoms)
def test_prolog_reads_the_same_atoms_and_the_same_floats(
    tmp_path_factory: pytest.TempPathFactory, values: list[Facts], image: str
) -> None:
    file = tmp_path_factory.mktemp("facts") / "facts.pl"
    file.write_text("".join(value.to_prolog(image) for value in values), encoding="utf-8")
    expected = []
    for value in values:
        for name, number in zip(value.propositions, value.values, strict=True):
            expected.append(("value", codes(image), codes(name), number))
        for name, share in value.predictions:
            expected.append(("predicted", codes(image), codes(name), share))
    found = [(f, i, p, float(v)) for f, i, p, v in read_back(file)]
    assert found == expected


def test_prolog_facts_look_as_documented() -> None:
    value = Facts(
        ("conv3_c12",),
        (0.8123000264167786,),
        (Prediction("street", 0.93),),
        revision="knowledgeBases/digits/revisions/3",
        quantiser_etag="q1",
    )
    assert value.to_prolog() == (
        "% revision: knowledgeBases/digits/revisions/3\n"
        "% quantiser_etag: q1\n"
        "value(img, conv3_c12, 0.8123000264167786).\n"
        "predicted(img, street, 0.93).\n"
    )


def test_an_etag_with_a_newline_stays_in_its_comment() -> None:
    value = replace(Facts((), ()), quantiser_etag="x\nhalt.")
    assert value.to_prolog() == "% quantiser_etag: x halt.\n"


def test_numbers_are_rounded_to_what_crosses_the_wire() -> None:
    assert Facts(("a",), (0.1,)).values == (0.10000000149011612,)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(BadFacts, match="2 propositions do not go with 1 values"):
        Facts(("a", "b"), (1.0,))
    assert len(Facts((), (1.0, 2.0))) == 2


def test_facts_without_names_are_a_list_in_json_and_no_prolog() -> None:
    unnamed = Facts((), (1.0, 2.0))
    assert unnamed.to_dict()["values"] == [1.0, 2.0]
    assert Facts.from_dict(unnamed.to_dict()) == unnamed
    with pytest.raises(BadFacts, match="do not name their propositions"):
        unnamed.to_prolog()


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"values": 3},
        {"values": {"a": "x"}},
        {"values": {"a": 10**400}},
        {"values": [1], "predictions": [1]},
    ],
)
def test_json_of_another_kind_is_refused(document: Any) -> None:
    with pytest.raises(BadFacts, match="proofsight facts --json"):
        Facts.from_dict(document)
    assert Facts.from_dict({"values": {"a": 1}}).values == (1.0,)
