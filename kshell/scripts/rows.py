"""Rows: a CSV file or JSON lines, read as they are run. Each row has the variables of one run of a script.

A faulty row does not stop the others.

A cell stays unchanged text. A number that a spreadsheet has rounded is refused: its digits are lost. A JSON string is kept.
"""

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import TextIOWrapper
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple, Self, TextIO

from kshell.core.errors import Note, Place, ScriptError, listed
from kshell.core.json_text import reader
from kshell.profiles.files import open_regular, shown

MOST_LINE = 1 << 20  # characters

_ROUNDED = re.compile(r"[+-]?\d(?:[.,]\d+)?E\+?\d{1,3}\Z", re.IGNORECASE)
_PLAIN_EXPONENT = re.compile(r"\dE\d{1,3}\Z", re.IGNORECASE)  # 4E7 may be a code
_NAME = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_DELIMITERS = ",;\t|"
_MOST_OPEN_QUOTES = 20
_MOST_FAULTS = 10_000
_FIRST_ROWS = 100
_BEGINNING = 1 << 20  # bytes
_NO_MAPPING = 'it is not a mapping, such as {"to": "+919812345678"}'
_ESCAPED = re.compile("[\udc80-\udcff]")


class Row(NamedTuple):
    """One row. ``number`` counts from 1, ``line`` is its first line in the file, ``fault`` is why it cannot be run."""

    number: int
    line: int
    cells: Mapping[str, str]
    fault: Note | None = None


class RowFile:
    """A file of rows. Each iteration reads them anew, one after the other.

    ``columns`` are the names in its first ``_FIRST_ROWS`` rows. Raises ``ScriptError`` for another kind of file, a faulty
    header and a file without rows. An iteration raises it for a line that is too long, and for too many faults.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.columns = dict.fromkeys(name for row in islice(self, _FIRST_ROWS) for name in row.cells)

    def __iter__(self) -> Iterator[Row]:
        return read_rows(self._file)

    def estimate(self) -> int:
        """Return about how many rows there are: the lines of the file, in a long one as many as its beginning has."""
        with open_regular(self._file, ScriptError) as stream:
            beginning, size = stream.read(_BEGINNING), os.fstat(stream.fileno()).st_size
        lines = beginning.count(b"\n") * size // max(len(beginning), 1)
        return lines - (self._file.suffix.lower() == ".csv")


def read_rows(file: Path) -> Iterator[Row]:
    """Yield every row of ``file``. Raises ``ScriptError`` for another kind of file, a faulty header or no rows."""
    kinds: dict[str, Callable[[_Lines], Iterator[Row]]] = {
        ".csv": _csv_rows,
        ".jsonl": _json_rows,
        ".ndjson": _json_rows,
    }
    read = kinds.get(file.suffix.lower())
    if read is None:
        raise ScriptError(
            f"{shown(file)} is neither .csv nor .jsonl", hint="rows come from a CSV file or from JSON lines"
        )
    number, faults, first = 0, 0, None
    with open_regular(file, ScriptError) as stream:
        newline = "" if read is _csv_rows else "\n"
        text = TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline=newline)
        for row in read(_Lines(text, shown(file))):
            number, first = row.number, first or row.fault
            faults += row.fault is not None
            if first and faults > _MOST_FAULTS:
                message = f"more than {_MOST_FAULTS} rows are faulty; the first is {first.text}"
                raise ScriptError(message, hint="correct the file", at=first.place)
            yield row
    if not number:
        raise ScriptError(
            f"{shown(file)} has no rows", hint="a CSV file has the names in its first line and the rows below"
        )


class _Lines:
    """The lines of a file, which can go back to the second line of the record that is being read. ``number`` is the last."""

    def __init__(self, stream: TextIO, file: str) -> None:
        self.file = file
        self.number = 0
        self.record: list[str] = []
        self._stream = stream
        self._again: list[str] = []  # to be read again, the last line first

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else self._stream.readline(MOST_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > MOST_LINE:
            hint = "a row has a few cells: is this the right file?"
            raise ScriptError(
                f"a line is longer than {MOST_LINE >> 10} KiB", hint=hint, at=Place(self.file, self.number, 1)
            )
        self.record.append(line)
        return line

    def begin(self) -> int:
        """Begin a record, and return the number of its first line."""
        self.record = []
        return self.number + 1

    def back(self) -> None:
        """Go back to the second line of the record."""
        self._again += reversed(self.record[1:])
        self.number -= len(self.record) - 1


def _is_utf8(text: str) -> bool:
    """Whether a text that was decoded with ``surrogateescape`` had no other bytes."""
    return text.isascii() or not _ESCAPED.search(text)


# ---- CSV


def _csv_rows(lines: _Lines) -> Iterator[Row]:
    names: list[str] | None = None
    number = 0
    for line, cells, broken in _records(lines):
        if not broken and not any(map(str.strip, cells)):
            continue
        fault = broken or ("" if all(map(_is_utf8, cells)) else "it is not UTF-8")
        if names is None:
            names = _header(cells, fault, Place(lines.file, line, 1, "".join(lines.record[:1]).rstrip("\r\n")))
            continue
        number += 1
        fault = fault or _count_fault(cells, names)
        cells_by_name = {} if fault else dict(zip(names, cells, strict=True))
        yield _row(number, line, cells_by_name, fault, lines.file, _rounded(cells_by_name))


def _records(lines: _Lines) -> Iterator[tuple[int, list[str], str]]:
    """Yield (line, cells, fault) of every record. After a quote that is never closed, the next line is a new record.

    A cell has at most 128 KiB, so such a quote costs a pass over as much. Raises ``ScriptError`` for more than
    ``_MOST_OPEN_QUOTES`` of them.
    """
    first = next(lines, "")
    lines.record.insert(0, "")
    lines.back()  # to the first line, whose delimiter is that of the others
    delimiter = _delimiter(first)
    for passes in count():
        if passes > _MOST_OPEN_QUOTES:
            message = f"more than {_MOST_OPEN_QUOTES} rows open a quote that is never closed"
            at = Place(lines.file, lines.number + 1, 1)
            raise ScriptError(message, hint='write "" for a quote in a quoted cell', at=at)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            line = lines.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if len(lines.record) > 1 or "unexpected end" in str(error):
                    yield line, [], "a quote is opened and never closed"
                    lines.back()
                    break
                yield line, [], f"it is not CSV: {error}"
                continue
            yield line, cells, ""


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


def _json_rows(lines: _Lines) -> Iterator[Row]:
    number = 0
    for source in lines:
        lines.record.clear()
        if source.strip():
            number += 1
            members, fault = _json_members(source) if _is_utf8(source) else ({}, "it is not UTF-8")
            numbers = {name: item for name, item in members.items() if isinstance(item, _Number)}
            cells = {name: _as_text(item) for name, item in members.items() if item is not None}
            yield _row(number, lines.number, cells, fault, lines.file, "" if fault else _rounded(numbers))


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


def rows_of(rows: Iterable[object]) -> Iterator[Row]:
    """Yield a row for each mapping, as if it were a JSON line: texts, whole numbers, booleans, and None for no value.

    Anything else in ``rows`` is a faulty row.
    """
    for number, given in enumerate(rows, 1):
        members = dict(given) if isinstance(given, Mapping) else {}
        faults = (_member_fault(name, item) or _kind_fault(name, item) for name, item in members.items())
        fault = next((fault for fault in faults if fault), "") if isinstance(given, Mapping) else _NO_MAPPING
        cells = {name: _as_text(item) for name, item in members.items() if item is not None}
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
