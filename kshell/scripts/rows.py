"""Rows: a CSV file or JSON lines. Each row has the variables of one run of a script. A faulty row does not stop the others.

A cell stays unchanged text. A number that a spreadsheet has rounded is refused: its digits are lost. A JSON string is kept.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from io import StringIO
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from kshell.core.errors import Note, Place, ScriptError, listed
from kshell.core.json_text import reader
from kshell.profiles.files import read_text, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

MOST_BYTES = 64 * 1024 * 1024

_ROUNDED = re.compile(r"[+-]?\d(?:[.,]\d+)?E\+?\d{1,3}\Z", re.IGNORECASE)
_PLAIN_EXPONENT = re.compile(r"\dE\d{1,3}\Z", re.IGNORECASE)  # 4E7 may be a code
_NAME = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_DELIMITERS = ",;\t|"
_MOST_OPEN_QUOTES = 20
_MOST_FAULTS = 10_000


class Row(NamedTuple):
    """One row. ``number`` counts from 1, ``line`` is its first line in the file, ``fault`` is why it cannot be run."""

    number: int
    line: int
    cells: Mapping[str, str]
    fault: Note | None = None


def read_rows(file: Path) -> list[Row]:
    """Return every row of ``file``. Raises ``ScriptError`` for another kind of file, a faulty header or no rows."""
    kinds: dict[str, Callable[[str, str], Iterator[Row]]] = {
        ".csv": _csv_rows,
        ".jsonl": _json_rows,
        ".ndjson": _json_rows,
    }
    read = kinds.get(file.suffix.lower())
    if read is None:
        raise ScriptError(
            f"{shown(file)} is neither .csv nor .jsonl", hint="rows come from a CSV file or from JSON lines"
        )
    rows: list[Row] = []
    faults: list[Note] = []
    for row in read(read_text(file, ScriptError, most=MOST_BYTES), shown(file)):
        rows.append(row)
        faults += [row.fault] if row.fault else []
        if len(faults) > _MOST_FAULTS:
            message = f"more than {_MOST_FAULTS} rows are faulty; the first is {faults[0].text}"
            raise ScriptError(message, hint="correct the file", at=faults[0].place)
    if not rows:
        raise ScriptError(
            f"{shown(file)} has no rows", hint="a CSV file has the names in its first line and the rows below"
        )
    return rows


# ---- CSV


def _csv_rows(text: str, file: str) -> Iterator[Row]:
    lines = list(StringIO(text, newline=""))  # str.splitlines would also break at U+2028 within a cell
    records = _records(lines, _delimiter(lines[0]) if lines else ",", file)
    names: list[str] | None = None
    number = 0
    for line, cells, broken in records:
        if not broken and not any(map(str.strip, cells)):
            continue
        if names is None:
            names = _header(cells, broken, Place(file, line, 1, lines[line - 1].rstrip("\r\n")))
            continue
        number += 1
        fault = broken or _count_fault(cells, names)
        cells_by_name = {} if fault else dict(zip(names, cells, strict=True))
        yield _row(number, line, cells_by_name, fault, file, _rounded(cells_by_name))


def _records(lines: list[str], delimiter: str, file: str) -> Iterator[tuple[int, list[str], str]]:
    """Yield (line, cells, fault) of every record. After a quote that is never closed, the next line is a new record.

    Each such quote costs a pass over the rest of the file. Raises ``ScriptError`` for more than ``_MOST_OPEN_QUOTES`` of them.
    """
    begin = 0
    for passes in count():
        if begin == len(lines):
            return
        if passes > _MOST_OPEN_QUOTES:
            message = f"more than {_MOST_OPEN_QUOTES} rows open a quote that is never closed"
            raise ScriptError(message, hint='write "" for a quote in a quoted cell', at=Place(file, begin + 1, 1))
        reader = csv.reader(lines[begin:], delimiter=delimiter, strict=True)
        start = begin
        while True:
            line = begin + reader.line_num
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "unexpected end" in str(error):
                    yield line + 1, [], "a quote is opened and never closed"
                    start = line + 1
                    break
                yield line + 1, [], f"it is not CSV: {error}"
                continue
            yield line + 1, cells, ""
        begin = start


def _delimiter(header: str) -> str:
    bare = re.sub(r'"(?:[^"]|"")*"', "", header)
    return max(_DELIMITERS, key=bare.count)


def _header(cells: list[str], fault: str, at: Place) -> list[str]:
    names = [cell.strip() for cell in cells]
    invalid = [name for name in names if not _NAME.match(name)]
    hint = "the first line names the variables: letters, digits and _, as in to,ref"
    if fault or invalid:
        raise ScriptError(fault or f"{invalid[0]!r} cannot name a variable", hint=hint, at=at)
    duplicate = next((name for name, columns in Counter(names).items() if columns > 1), "")
    if duplicate:
        raise ScriptError(f"two columns are named {duplicate!r}", hint="keep one", at=at)
    return names


def _count_fault(cells: list[str], names: list[str]) -> str:
    if len(cells) == len(names):
        return ""
    return f"{len(cells)} cells, but the first line names {len(names)}: {listed(names)}"


# ---- JSON lines


class _DuplicateNameError(ValueError):
    """An object has two members of one name."""


def _json_rows(text: str, file: str) -> Iterator[Row]:
    number = 0
    for line, source in enumerate(text.split("\n"), 1):
        if source.strip():
            number += 1
            members, fault = _json_members(source)
            numbers = {name: item for name, item in members.items() if isinstance(item, _Number)}
            cells = {name: _as_text(item) for name, item in members.items() if item is not None}
            yield _row(number, line, cells, fault, file, "" if fault else _rounded(numbers))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateNameError("it has the same name twice")
    return members


class _Number(str):
    """A JSON number with a fraction or an exponent, as it was written."""


_read = reader(parse_int=str, parse_float=_Number, object_pairs_hook=_members)


def _json_members(source: str) -> tuple[dict[str, Any], str]:
    try:
        value = _read(source)
    except _DuplicateNameError as error:
        return {}, str(error)
    except ValueError as error:
        return {}, f"it is not JSON: {error}"
    if not isinstance(value, dict):
        return {}, 'it is not an object, such as {"to": "+919812345678"}'
    fault = next((fault for name, item in value.items() if (fault := _member_fault(name, item))), "")
    return value, fault


def _member_fault(name: object, value: object) -> str:
    if not isinstance(name, str) or not _NAME.match(name):
        return f"{name!r} cannot name a variable"
    return f"{name} is {'an object' if isinstance(value, dict) else 'a list'}" if isinstance(value, dict | list) else ""


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def rows_of(rows: Iterable[Mapping[str, object]]) -> Iterator[Row]:
    """Yield a row for each mapping, as if it were a JSON line: texts, whole numbers, booleans, and None for no value."""
    for number, given in enumerate(rows, 1):
        faults = (_member_fault(name, item) or _kind_fault(name, item) for name, item in given.items())
        fault = next((fault for fault in faults if fault), "")
        cells = {name: _as_text(item) for name, item in given.items() if item is not None}
        yield _row(number, number, cells, fault, "rows")


def _kind_fault(name: str, value: object) -> str:
    return "" if value is None or isinstance(value, str | int) else f"{name} is neither a text nor a whole number"


# ---- all formats


def _row(number: int, line: int, cells: Mapping[str, str], fault: str, file: str, rounded: str = "") -> Row:
    """Return a row, or one with a fault; ``rounded`` is the column of a rounded number."""
    if rounded:
        fault = f"{rounded} is {cells[rounded]}: a spreadsheet has rounded this number, and its digits are lost"
    if not fault:
        return Row(number, line, cells)
    hint = "format that column as text, and type the number again" if rounded else "correct the row, and run it alone"
    return Row(number, line, {}, Note("error", f"row {number}: {fault}", Place(file, line, 1), hint))


def _rounded(numbers: Mapping[str, str]) -> str:
    """Return the name of the first rounded number, or an empty text."""
    texts = ((name, text.strip()) for name, text in numbers.items())
    return next((name for name, text in texts if _ROUNDED.match(text) and not _PLAIN_EXPONENT.match(text)), "")
