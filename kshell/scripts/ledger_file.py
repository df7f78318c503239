"""The SQLite file of a ledger: its tables, how it is opened, and its errors in words."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from kshell.core.errors import LedgerError
from kshell.core.signals import received
from kshell.profiles.files import make_private, quoted, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_VERSION = 1
BUSY_SECONDS = 10.0  # to wait for another process
_LAST_SECONDS = 0.2  # to wait for it after a signal
_STEP = 0.1  # seconds between two looks whether a signal has come
_ABOUT = "CREATE TABLE about (version INTEGER, script TEXT, columns TEXT, salt TEXT, begun REAL)"
_SENDS = """
CREATE TABLE sends (
    row TEXT, ordinal INTEGER, number INTEGER, line INTEGER, state TEXT, recipient TEXT, masked TEXT,
    status INTEGER, code TEXT, message_id TEXT, claimed_at REAL, ended_at REAL,
    PRIMARY KEY (row, ordinal)
)
"""


class Connection(sqlite3.Connection):
    """A connection to a ledger. ``patiently`` waits for other processes, in steps between which a signal is handled."""

    signals = 0  # that had come when it was opened
    is_patient = True

    def patiently(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Execute a statement. Wait ``BUSY_SECONDS`` for other processes, or ``_LAST_SECONDS`` if it ``is_patient`` no more.

        It is not patient once a signal has come.

        Raises ``sqlite3.Error``.
        """
        begun = time.monotonic()
        while True:
            try:
                return self.execute(statement, values)
            except sqlite3.OperationalError as error:
                limit = BUSY_SECONDS if self.is_patient and received() == self.signals else _LAST_SECONDS
                if not _name(error).startswith("SQLITE_BUSY") or time.monotonic() - begun > limit:
                    raise


class ReplacedError(sqlite3.Error):
    """The file was removed or replaced while it was open, so that no other run can see what is written."""

    sqlite_errorname = "REPLACED"


def watched(file: Path) -> Callable[[], None]:
    """Return a function that raises ``ReplacedError`` if ``file`` is not the file any more that it is now."""
    real = os.path.realpath(file)
    now = os.stat(real)

    def check() -> None:
        try:
            same = os.path.samestat(now, os.stat(real))
        except OSError:
            same = False
        if not same:
            raise ReplacedError("it was removed or replaced while this run used it")

    return check


def open_for_run(file: Path, script: str, columns: str) -> tuple[Connection, str]:
    """Open or create the ledger of the script with the hash ``script``. Return its connection and its salt.

    ``columns`` are those of all rows, or empty if each row may have others. Raises ``LedgerError`` if the file cannot be used,
    is the ledger of another script, or knows rows with other columns.
    """
    with errors_of(file):
        connection = _connected(_made(file))
        try:
            connection.patiently("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
            salt = _salt(connection, file, script)
            if columns:
                _refuse_other_columns(connection, file, columns)
            return connection, salt
        except BaseException:
            connection.close()
            raise


def open_for_reading(file: Path) -> Connection:
    """Open an existing ledger. One whose run was killed before it had its tables is empty. Raises ``LedgerError``."""
    if not file.is_file():
        raise LedgerError(f"there is no ledger {shown(file)}", hint="run FILE --rows ROWS --ledger LEDGER makes one")
    with errors_of(file):
        try:
            return _read(f"{file.resolve().as_uri()}?mode=ro", file)
        except sqlite3.OperationalError as error:
            if not _name(error).startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                raise
            with suppress(OSError):
                return _read_copy(file)
            raise


def _read(uri: str, file: Path) -> Connection:
    connection = _connected(uri, uri=True)
    try:
        if not connection.patiently("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            connection.close()
            connection = _connected(":memory:")
            connection.execute(_SENDS)
            return connection
        _check_version(connection, file)
    except BaseException:
        connection.close()
        raise
    return connection


def _read_copy(file: Path) -> Connection:
    """Return a ledger in memory: to read a file in place, SQLite may have to write beside it, and the folder is read-only.

    A run that uses the ledger has all files beside it already, so nothing is written during the copy.
    """
    from tempfile import TemporaryDirectory

    real, memory = Path(os.path.realpath(file)), _connected(":memory:")
    with TemporaryDirectory() as folder:
        for part in (real, Path(f"{real}-wal"), Path(f"{real}-journal")):
            if part.exists():
                shutil.copyfile(part, Path(folder, part.name))
        with closing(_read(Path(folder, real.name).as_uri(), file)) as copy:
            copy.backup(memory)
    return memory


def _made(file: Path) -> str:
    """Make an empty private file if it does not exist, and return its path: another name of the file has the same locks.

    An existing file is not opened: to close it would end all locks on it that this process has (POSIX).
    """
    real = Path(os.path.realpath(file))
    make_private(real.parent)
    with suppress(FileExistsError):
        os.close(os.open(real, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    return str(real)


def _connected(name: str, *, uri: bool = False) -> Connection:
    connection = sqlite3.connect(
        name,
        timeout=_STEP,
        isolation_level=None,
        check_same_thread=False,  # any thread of the run may use it
        factory=Connection,
        uri=uri,
    )
    connection.signals = received()
    return connection


def _salt(connection: Connection, file: Path, script: str) -> str:
    """Return the salt of the ledger, which a new one gets here."""
    connection.patiently("BEGIN IMMEDIATE")
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not tables:
        connection.execute(_ABOUT)
        connection.execute(_SENDS)
        new = (_VERSION, script, secrets.token_hex(16), time.time())
        connection.execute("INSERT INTO about VALUES (?, ?, '', ?, ?)", new)
    connection.execute("COMMIT")
    known, salt = _check_version(connection, file)
    if known != script:
        message = f"{shown(file)} is the ledger of another script, or this one, or one that it sources, was edited"
        raise LedgerError(message, hint="undo the edit to go on: with a new ledger, each row is sent again")
    return salt


def _refuse_other_columns(connection: Connection, file: Path, columns: str) -> None:
    """Raise ``LedgerError`` if rows with other columns were sent: every row would be a new one, and be sent again."""
    [known] = connection.execute("SELECT columns FROM about").fetchone()
    if columns == known:
        return
    if known and connection.execute("SELECT count(*) FROM sends WHERE state != 'not-sent'").fetchone()[0]:
        message = f"the rows of {shown(file)} had the columns {known}, not {columns}: each row would be sent again"
        hint = "give the columns their names again; if rows were never sent, give them a file and a ledger of their own"
        raise LedgerError(message, hint=hint)
    connection.patiently("UPDATE about SET columns = ?", columns)


def _check_version(connection: Connection, file: Path) -> tuple[str, str]:
    """Return the script's hash and the salt. Raise ``LedgerError`` for a database that is not a ledger of this version."""
    try:
        version, script, salt = connection.patiently("SELECT version, script, salt FROM about").fetchone()
    except (sqlite3.OperationalError, TypeError, ValueError) as error:
        if "no such" not in str(error) and isinstance(error, sqlite3.OperationalError):
            raise
        raise LedgerError(f"{shown(file)} is a database, but not a ledger", hint="name another file") from None
    if version != _VERSION:
        raise LedgerError(f"{shown(file)} was made by a newer kshell", hint="pip install --upgrade kaleyra-shell")
    return script, salt


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Hold the ledger so that no other run uses it. Raises ``LedgerError`` if one does."""
    with _held(file, "BEGIN EXCLUSIVE"):
        yield


@contextmanager
def shared(file: Path) -> Iterator[None]:
    """Hold the ledger so that other runs may use it, but none that must be alone. Raises ``LedgerError`` if one is."""
    with _held(file, "BEGIN"):
        yield


@contextmanager
def _held(file: Path, begin: str) -> Iterator[None]:
    """Hold a lock of SQLite's, which ends with the process, on an empty database beside the ledger."""
    if file.exists() and not file.is_file():  # a device would be written to
        kind = "a directory" if file.is_dir() else "not a regular file"
        raise LedgerError(f"{shown(file)} is {kind}", hint="name a file, which is made if it does not exist")
    with errors_of(file):
        lock = _made(Path(f"{os.path.realpath(file)}-lock"))
        connection = sqlite3.connect(lock, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        with errors_of(file):
            connection.execute(begin)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield
    finally:
        connection.close()


@contextmanager
def errors_of(file: Path) -> Iterator[None]:
    """Turn the errors of SQLite and of the file system into ``LedgerError``."""
    try:
        yield
    except sqlite3.Error as error:
        raise ledger_error(file, error) from None
    except OSError as error:
        named = Path(error.filename or file)
        hint = f"ls -ld {quoted(named.parent)} {quoted(named)}"
        raise LedgerError(f"{shown(named)} cannot be written: {error.strerror}", hint=hint) from None


def ledger_error(file: Path, error: sqlite3.Error) -> LedgerError:
    """Return the error of SQLite in words, with what to do."""
    name = _name(error)
    both = f"ls -ld {quoted(file.parent)} {quoted(file)}"
    hints = {
        "SQLITE_BUSY": "another program holds it: wait until it has ended, then run this again",
        "SQLITE_FULL": "the disk is full: make room, then run this again with the same ledger",
        "SQLITE_IOERR": f"make room, or raise the limit that ulimit -f shows: df -h {quoted(file.parent)}",
        "SQLITE_READONLY": f"the file or its folder may only be read: {both}",
        "SQLITE_CORRUPT": "it is damaged: keep a copy, and find out from Kaleyra's reports what was sent before you send again",
        "REPLACED": "put it back, with its -wal file, before you run this again: without it, each row is sent again",
        "SQLITE_NOTADB": "it is not a ledger: name another file",
    }
    hint = next((text for start, text in hints.items() if name.startswith(start)), "")
    return LedgerError(f"the ledger {shown(file)} cannot be used: {error}", hint=hint or both)


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "")
