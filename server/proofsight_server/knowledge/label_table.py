"""Labels as a table that people keep: UTF-8 CSV `layer,channel,cell,text,author,note`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from proofsight_server.errors import Issue
from proofsight_server.knowledge.label import Label, by_hand, is_by_hand
from proofsight_server.knowledge.reading import refusal
from proofsight_server.symbols.channel import channels
from proofsight_server.symbols.feature import Cell, Feature, Layer, Proposition

COLUMNS = ("layer", "channel", "cell", "text", "author", "note")
_NEEDED = ("layer", "channel", "text")
_CELL = re.compile(r"g([0-9]+)(?:x([0-9]+))?_r([0-9]+)c([0-9]+)")


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    place: tuple[str, str, str]  # layer, channel, cell
    text: str
    author: str


def read_label_table(
    text: str,
    propositions: Sequence[Proposition],
    layers: Sequence[Layer],
    *,
    file: str = "labels.csv",
    author: str = "",
) -> tuple[Label, ...]:
    """The labels of a table, by hand all of them.

    A row without a cell is of every proposition of its channel that has no row for its own cell;
    a cell is written as in names, `g3_r0c1`.  The note is for people and is not kept.

    Parameters
    ----------
    file
        What findings call the table.
    author
        Who labels where a row does not say.

    Raises
    ------
    BadProgram
        No such columns, a channel or cell that nothing reads, no text, or two rows for one
        place; the issues say in which line.
    """
    rows, issues = _rows(text, file, author)
    known = channels(propositions, layers)
    by_name = {proposition.name: proposition for proposition in propositions}
    kinds = {layer.atom: layer.kind for layer in layers}
    chosen: dict[str, _Row] = {}
    places: dict[tuple[str, str, str], int] = {}
    # Rows for a cell come last, so that they win over the row of their channel.
    for row in sorted(rows, key=lambda row: bool(row.place[2])):
        layer, index, cell = row.place
        if row.place in places:
            issues.append(_issue(file, row.line, f"line {places[row.place]} labels this already"))
            continue
        places[row.place] = row.line
        name = (
            Feature(layer, int(index)).name(kinds.get(layer, "conv")) if index.isdecimal() else ""
        )
        of_channel = known.get(name, ())
        found = [one for one in of_channel if not cell or _is_at(by_name[one], cell)]
        if not found:
            issues.append(_issue(file, row.line, _unknown(layer, index, cell, of_channel, kinds)))
        chosen.update(dict.fromkeys(found, row))
    if issues:
        raise refusal(sorted(issues, key=lambda issue: issue.line))
    return tuple(
        Label(name, chosen[name].text, by_hand(chosen[name].author))
        for name in by_name
        if name in chosen
    )


def with_labels(marks: Iterable[Label], labels: Sequence[Label]) -> tuple[Label, ...]:
    """Labels with others in front, which stand for those that hands gave the same propositions.

    The first label of a proposition is the one shown, so that a hand's beats a machine's.
    """
    named = {label.proposition for label in labels}
    kept = (mark for mark in marks if not (mark.proposition in named and is_by_hand(mark)))
    return (*labels, *kept)


def _rows(text: str, file: str, author: str) -> tuple[list[_Row], list[Issue]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    header = [name.strip() for name in reader.fieldnames or ()]
    wrong = [name for name in header if name not in COLUMNS]
    missing = [name for name in _NEEDED if name not in header]
    if wrong or missing:
        told = f"no column {missing[0]}" if missing else f"unknown column {wrong[0]!r}"
        raise refusal([_issue(file, 1, f"{told}; the columns are {','.join(COLUMNS)}")])
    reader.fieldnames = header
    rows, issues = [], []
    for line, cells in _numbered(reader, file):
        short = [name for name in _NEEDED if not (cells.get(name) or "").strip()]
        if None in cells or short:
            told = f"no {short[0]}" if short else f"more than {len(header)} columns"
            issues.append(_issue(file, line, told))
            continue
        value = {name: (cells.get(name) or "").strip() for name in COLUMNS}
        by = value["author"] or author or "unknown"
        place = (value["layer"], value["channel"], value["cell"])
        rows.append(_Row(line, place, value["text"], by))
    return rows, issues


def _numbered(
    reader: csv.DictReader[str], file: str
) -> Iterator[tuple[int, Mapping[str | None, str | None]]]:
    last = reader.line_num  # the header's
    try:
        for cells in reader:
            yield last + 1, dict(cells)
            last = reader.line_num
    except csv.Error as error:
        raise refusal([_issue(file, last + 1, f"no CSV: {error}")]) from error


def _is_at(proposition: Proposition, cell: str) -> bool:
    feature = proposition.feature
    found = _CELL.fullmatch(cell)
    if feature is None or feature.cell is None or found is None:
        return False
    rows, columns, row, column = (int(part or found[1]) for part in found.groups())
    return feature.cell == Cell((rows, columns), (row, column))


def _unknown(
    layer: str, index: str, cell: str, of_channel: Sequence[str], kinds: Mapping[str, str]
) -> str:
    if layer not in kinds:
        return f"no layer {layer}; there are {', '.join(kinds)}"
    if of_channel:
        return f"no cell {cell} of channel {index}; there are {', '.join(of_channel)}"
    return f"no proposition reads channel {index} of {layer}"


def _issue(file: str, line: int, message: str) -> Issue:
    return Issue("error", "label_table", file, line, 1, message)
