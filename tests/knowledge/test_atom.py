"""Atoms and numbers must be to SWI-Prolog what they were to us."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unicodedata import category

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.errors import BadProgram
from proofsight_server.knowledge.atom import number, quote

Writer = Callable[[list[str]], list[str]]

# One process answers many questions: each input is a line of code points, each answer too.
SERVER = r"""
:- set_stream(user_input, encoding(utf8)), set_stream(user_output, encoding(utf8)).
:- use_module(library(readutil)).
:- initialization((main, halt)).
main :- read_line_to_string(user_input, Line), ( Line == end_of_file -> true ; answer(Line), main ).
answer(Line) :-
    split_string(Line, "\t", "", [Hex, Ours]), split_string(Hex, " ", " ", Parts),
    findall(C, ( member(P, Parts), P \== "", number_string(C, P) ), Codes),
    atom_codes(Atom, Codes), with_output_to(codes(Written), writeq(f(Atom))),
    (   catch(term_string(f(Back), Ours), _, fail), Back == Atom
    ->  true
    ;   print_message(error, format("~q is read otherwise", [Ours]))
    ),
    atomic_list_concat(Written, ' ', Answer), writeln(Answer).
"""

NASTY = [
    "",
    "[]",
    "{}",
    "a",
    "A",
    "_",
    "_a",
    "aB_9",
    "9a",
    "é",
    "É",
    "street light",
    "it's",
    'say "no"',
    "back\\slash",
    "`",
    "line\nbreak\ttab\r\x00\x1f\x7f\x85\xa0\xad",
    "\u200b\ufeff\u2028\u2029",
    ".",
    "..",
    "a.b",
    ":-",
    "-->",
    "\\+",
    "\\",
    "/*",
    "/*a",
    "*/",
    "//*",
    "%",
    "+%",
    "dynamic",
    "is",
    "mod",
    "end_of_file",
    "|",
    "||",
    ",",
    ";",
    "!",
    "!!",
    "²",
    "²²",
    "(",
    "[",
    "{",
    "-",
    "- 1",
    "1",
    "1.0",
    "0'a",
    "日本",
    "Ω",
    "ω",
    "ǅ",
    "Ⅷ",
    "aⅧ",
    "Ⓐ",
    "·",
    "a·",
    "一·",
    "℘",
    "∀x",
    "∀∃",
    "‿",
    "‿a",
    "😀",
    "\U0001d4b3",
    "𠀀",
    "a\u0301",
    "\u0301",
    "\u05d0\u05d1",
    "\u2e2f",
    "\U0010ffff",
    "\ue000",
]


@pytest.fixture(scope="module")
def written_by_prolog(tmp_path_factory: pytest.TempPathFactory) -> Writer:
    script = tmp_path_factory.mktemp("prolog") / "server.pl"
    script.write_text(SERVER)

    def ask(atoms: list[str]) -> list[str]:
        lines = (f"{' '.join(str(ord(c)) for c in a)}\tf({quote(a)})\n" for a in atoms)
        answer = subprocess.run(
            ["swipl", "-f", "none", str(script)],
            input="".join(lines).encode(),
            capture_output=True,
            check=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        assert not answer.stderr, answer.stderr.decode()
        answers = answer.stdout.decode().splitlines()
        return ["".join(chr(int(code)) for code in line.split())[2:-1] for line in answers]

    return ask


def test_nasty_atoms_are_written_as_writeq_writes_them(written_by_prolog: Writer) -> None:
    assert [quote(atom) for atom in NASTY] == written_by_prolog(NASTY)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="another version of Unicode")
def test_every_kind_of_character_is_written_as_writeq_writes_it(written_by_prolog: Writer) -> None:
    step: dict[str, int] = {}
    chosen = []
    for code in (*range(0x3000), *range(0x3000, 0x110000, 7)):
        kind = category(chr(code))
        if kind == "Cs" or 0xD8000 <= code < 0xE0000:
            continue
        step[kind] = step.get(kind, 0) + 1
        if code < 0x600 or step[kind] % 37 == 0:
            chosen.append(chr(code))
    atoms = [text for c in chosen for text in (c, f"a{c}", f"{c}{c}", f"+{c}", f" {c}")]
    wrong = [
        (atom, quote(atom), theirs)
        for atom, theirs in zip(atoms, written_by_prolog(atoms), strict=True)
        if quote(atom) != theirs
    ]
    assert len(atoms) > 10_000
    assert not wrong


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xD7FFF), max_size=8)
        | st.text(st.sampled_from("aZ_09é²·‿℘+-*/\\.'\"[]{}()|,;! \n日Ⅷ"), max_size=5),
        min_size=100,
        max_size=300,
    )
)
def test_any_text_reads_back_as_itself(written_by_prolog: Writer, atoms: list[str]) -> None:
    assert [quote(atom) for atom in atoms] == written_by_prolog(atoms)


def test_characters_whose_escapes_prolog_cannot_read_are_escaped_otherwise(
    written_by_prolog: Writer,
) -> None:
    atoms = ["\U000d8000", "a\U000dffff", "\U000dabcdb"]
    assert [quote(atom) for atom in atoms] != written_by_prolog(atoms)  # which are unreadable
    assert quote("\U000e0000") == written_by_prolog(["\U000e0000"])[0]


def test_a_lone_surrogate_is_refused_and_a_pair_of_bytes_is_not() -> None:
    with pytest.raises(BadProgram, match="no valid Unicode"):
        quote("caf\udce9")
    assert quote("café") == "café"


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_number_is_the_double_equal_to_the_float32(value: float) -> None:
    assert float(number(value)) == float(np.float32(value))
    assert number(float(np.float32(value))) == number(value)


def test_numbers_are_read_by_prolog_as_the_same_doubles(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 2000, dtype=np.uint64).astype(np.uint32)
    drawn = bits.view(np.float32)
    values = [float(v) for v in drawn[np.isfinite(drawn)]] + [0.0, -0.0, 1e-45, 3.4e38, 0.1, 1.0]
    script = tmp_path / "numbers.pl"
    facts = "".join(f"number({number(v)}, {float(np.float32(v)).hex()!r}).\n" for v in values)
    script.write_text(
        facts + ":- forall(number(X, _), (float(X) -> format('~15|~q~n', [X]) ; halt(1))), halt.\n"
    )
    answer = subprocess.run(
        ["swipl", "-f", "none", str(script)], capture_output=True, check=True, text=True
    )
    assert [float(line) for line in answer.stdout.split()] == [float(np.float32(v)) for v in values]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e39])
def test_a_number_that_is_not_finite_as_float32_is_refused(value: float) -> None:
    with pytest.raises(BadProgram, match="not a finite float32"):
        number(value)


def test_the_largest_float32_is_accepted() -> None:
    assert float(number(3.4028234e38)) == float(np.finfo(np.float32).max)
