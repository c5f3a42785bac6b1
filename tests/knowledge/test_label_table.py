"""Tables of labels, as people keep them."""

from __future__ import annotations

import pytest

from proofsight_server.errors import BadProgram
from proofsight_server.knowledge.label import Label
from proofsight_server.knowledge.label_table import read_label_table, with_labels
from proofsight_server.symbols.feature import Cell, Feature, Layer, Proposition

LAYERS = (Layer("conv3", "c", "conv", 8, "c"), Layer("fc1", "f", "linear", 4, "f"))
CELL = Feature("conv3", 2, "l1", Cell((2, 2), (0, 1)))
PROPOSITIONS = (
    Proposition("conv3_c1", "conv3", Feature("conv3", 1), 0.5),
    Proposition("conv3_c1_t2", "conv3", Feature("conv3", 1), 0.75),
    Proposition("conv3_c2", "conv3", Feature("conv3", 2), 0.5),
    Proposition("conv3_c2_g2_r0c1", "conv3", CELL, 0.5),
    Proposition("fc1_u3", "fc1", Feature("fc1", 3, "value"), 0.5),
)
HEADER = "layer,channel,cell,text,author,note\n"


def read(text: str) -> tuple[Label, ...]:
    return read_label_table(text, PROPOSITIONS, LAYERS, file="l.csv", author="ada")


def test_a_row_labels_every_proposition_of_its_channel() -> None:
    assert read(f'{HEADER}conv3,1,,"wall, left",bob,seen twice\nfc1,3,,roof,,\n') == (
        Label("conv3_c1", "wall, left", "hand(bob)"),
        Label("conv3_c1_t2", "wall, left", "hand(bob)"),
        Label("fc1_u3", "roof", "hand(ada)"),
    )


def test_a_row_for_a_cell_beats_the_row_of_its_channel() -> None:
    assert read(f"{HEADER}conv3,2,g2_r0c1,corner,,\nconv3,2,,wall,,\n") == (
        Label("conv3_c2", "wall", "hand(ada)"),
        Label("conv3_c2_g2_r0c1", "corner", "hand(ada)"),
    )


def test_a_byte_order_mark_and_missing_optional_columns_are_fine() -> None:
    assert read("\ufeffchannel,layer,text\n3,fc1,roof\n") == (Label("fc1_u3", "roof", "hand(ada)"),)


@pytest.mark.parametrize(
    ("rows", "line", "told"),
    [
        ("conv3,1,,a,,\nconv3,1,,b,,\n", 3, "line 2 labels this already"),
        ("conv9,1,,a,,\n", 2, "no layer conv9; there are conv3, fc1"),
        ("conv3,7,,a,,\n", 2, "no proposition reads channel 7 of conv3"),
        ("conv3,x,,a,,\n", 2, "no proposition reads channel x of conv3"),
        ("conv3,2,g3_r0c1,a,,\n", 2, "no cell g3_r0c1 of channel 2"),
        ("conv3,1,, ,,\n", 2, "no text"),
        ("conv3,1,,a,,,\n", 2, "more than 6 columns"),
        ('conv3,1,,"a,,\n', 2, "no CSV"),
    ],
)
def test_a_row_that_does_not_hold_is_refused_with_its_line(rows: str, line: int, told: str) -> None:
    with pytest.raises(BadProgram, match=told) as caught:
        read(HEADER + rows)
    assert [(issue.file, issue.line) for issue in caught.value.issues] == [("l.csv", line)]


@pytest.mark.parametrize("header", ["layer,channel\n", "layer,channel,text,colour\n", ""])
def test_other_columns_are_refused(header: str) -> None:
    with pytest.raises(BadProgram, match=r"column .*; the columns are layer,channel,cell,text"):
        read(header)


def test_a_hand_beats_a_machine_and_its_own_earlier_word() -> None:
    old = Label("conv3_c1", "door", "hand(bob)")
    guess = Label("conv3_c1", "window", "auto(iou,0.5)")
    other = Label("conv3_c2", "roof", "hand(bob)")
    new = Label("conv3_c1", "wall", "hand(ada)")
    assert with_labels((old, guess, other), (new,)) == (new, guess, other)
