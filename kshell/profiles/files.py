"""Find the files of pods, accounts and templates, nearest folder first, and read or write a file safely.

Only this module turns the name of a pod, an account or a template into a path.
"""

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, TextIO

from kshell.core.errors import Place, ProfileError, SetupError, TemplateError, UsageError, did_you_mean, listed
from kshell.core.models import Origin, Reference

Kind = Literal["pod", "account", "template"]
_Where = Literal["home", "here", "user", "shipped"]

FOLDERS: dict[Kind, tuple[str, str]] = {
    "pod": ("profiles/pods", ".yaml"),
    "account": ("profiles/accounts", ".yaml"),
    "template": ("templates", ".json.j2"),
}
MOST_BYTES = 256 * 1024  # a profile or a template is a page of text; a larger file is a mistake or an attack

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_FAULTS: dict[Kind, type[SetupError]] = {"pod": ProfileError, "account": ProfileError, "template": TemplateError}


class Places(NamedTuple):
    """The folders with ``profiles/`` and ``templates/``, nearest first. ``home``, if given, replaces ``here``."""

    home: Path | None
    here: Path
    user: Path
    shipped: Path

    @classmethod
    def standard(cls, home: str | None = None) -> "Places":
        """Return ``--home`` or ``$KSHELL_HOME``, or else the working directory; the user's configuration; the shipped files.

        Raises ``UsageError`` if ``home`` is not a directory.
        """
        chosen = home or os.environ.get("KSHELL_HOME") or None
        if chosen and not os.path.isdir(chosen):
            raise UsageError(f"{chosen} is not a directory", hint="--home and KSHELL_HOME name a folder with profiles/")
        return cls(Path(chosen) if chosen else None, _here(), user_folder(), shipped_folder())

    def names(self, kind: Kind) -> dict[str, Origin]:
        """Return the file of every name of this kind, sorted by name."""
        origins: dict[str, Origin] = {}
        inside, ending = FOLDERS[kind]
        shipped = _entries(self.shipped / inside)
        for place, folder in self._folders(kind):
            for entry in _entries(folder):
                name = entry.removesuffix(ending)
                if name == entry or name in origins or not _NAME.match(name):
                    continue
                if entry not in shipped or not self._is_copy(kind, place, folder / entry):
                    origins[name] = Origin(_path(folder, entry), place)
        return dict(sorted(origins.items()))

    def find(self, kind: Kind, name: str) -> Origin:
        """Return the nearest file called ``name``. Raises ``ProfileError`` or ``TemplateError``, with the known names."""
        folder, ending = FOLDERS[kind]
        if _NAME.match(name):
            for place, path in self._folders(kind):
                file = path / f"{name}{ending}"
                if os.path.lexists(file) and not self._is_copy(kind, place, file):
                    return Origin(file, place)
        known = self.names(kind)
        near = did_you_mean(name, known)
        raise _FAULTS[kind](
            f"there is no {kind} {str(name)!r}",
            hint=f"{near + ' ' if near else ''}{kind}s: {listed(known)}; a new one is a file {folder}/NAME{ending}",
            at=name.place() if isinstance(name, Reference) else None,
        )

    def new_file(self, kind: Kind, name: str) -> Path:
        """Return the path of a new file in the nearest folder. Raises ``UsageError`` if ``name`` is invalid or taken."""
        folder, ending = FOLDERS[kind]
        if not _NAME.match(name):
            raise UsageError(f"{name!r} cannot name the {kind}", hint="a name is letters, digits, _ . and -")
        file = (self.home or self.here) / folder / f"{name}{ending}"
        if os.path.lexists(file):
            raise UsageError(f"{shown(file)} is there already", hint=f"choose another name: kshell {kind}s lists them")
        return file

    def introduced_here(self, origin: Origin) -> bool:
        """Whether this file comes from the working directory, which someone else may have made."""
        if origin.place in ("shipped", "user"):
            return False
        return origin.place == "here" or origin.file.resolve().is_relative_to(self.here.resolve())

    def holds(self, origin: Origin) -> bool:
        """Whether this is a file of the working directory itself, and not a link to another file, such as one of the user's."""
        file = origin.file.resolve()
        is_inside = file.is_relative_to(self.here.resolve()) and not file.is_relative_to(self.user.resolve())
        return is_inside and self.introduced_here(origin)

    def replaced(self, kind: Kind, origin: Origin) -> Origin | None:
        """The user's or shipped file that a name would mean without this file, which the working directory brought in.

        ``None`` if there is no such file, or if it has the same bytes.
        """
        places: tuple[tuple[_Where, Path], ...] = (("user", self.user), ("shipped", self.shipped))
        files = ((place, folder / FOLDERS[kind][0] / origin.file.name) for place, folder in places)
        other = next((Origin(file, place) for place, file in files if os.path.lexists(file)), None)
        if other is None or not self.introduced_here(origin) or _same_bytes(origin.file, other.file):
            return None
        return other

    def _is_copy(self, kind: Kind, place: _Where, file: Path) -> bool:
        """Whether a file of the working directory equals the shipped file of its name, as all files of a checkout do.

        Such a file is skipped, and the shipped file is read instead: a later change to the copy has no effect on this run.
        """
        return place == "here" and _same_bytes(file, self.shipped / FOLDERS[kind][0] / file.name)

    def _folders(self, kind: Kind) -> Iterator[tuple[_Where, Path]]:
        inside = FOLDERS[kind][0]
        if self.home is not None:
            yield "home", self.home / inside
        else:
            yield "here", self.here / inside
        yield "user", self.user / inside
        yield "shipped", self.shipped / inside


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(f"there is no working directory: {error.strerror}", hint="cd to one that exists") from None


def user_folder() -> Path:
    """Return the user's configuration directory: ``$XDG_CONFIG_HOME/kshell`` or the system's equivalent."""
    if sys.platform == "linux":  # click returns the same, but its import would delay the shell's first prompt
        return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "kshell"
    from click import get_app_dir

    return Path(get_app_dir("kshell"))


def shipped_folder() -> Path:
    """Return the folder of the shipped files: inside the package if installed, else the top level of the checkout."""
    package = Path(__file__).parent.parent
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parent


def shown(file: Path) -> str:
    """Return a path for a message: relative to the working directory if it is below it, else unchanged."""
    try:
        return str(file.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(file)


def quoted(name: str | Path) -> str:
    """Return a path or another name, which someone else may have chosen, quoted as one word of a POSIX shell."""
    from shlex import quote

    return quote(shown(name) if isinstance(name, Path) else name)


def read_text(file: Path, fault: type[SetupError], *, most: int = MOST_BYTES) -> str:
    """Return the text of a file: UTF-8 with or without a BOM, at most ``most`` bytes. Raises ``fault``."""
    return decoded(read_bytes(file, fault, most=most), file, fault)


def read_stdin(fault: type[SetupError], *, most: int = MOST_BYTES) -> str:
    """Return the text of stdin, with the limits and errors of ``read_text``."""
    if sys.stdin is None:
        raise fault("stdin is closed", hint="name a file, or pipe something in")
    raw, file = sys.stdin.buffer.read(most + 1), Path("stdin")
    _refuse_large(raw, file, fault, most)
    return decoded(raw, file, fault)


def _refuse_large(raw: bytes, file: Path, fault: type[SetupError], most: int) -> None:
    if len(raw) > most:
        hint = "a profile or a template is a page of text" if fault in _FAULTS.values() else "split it"
        raise fault(f"{shown(file)} is larger than {most // 1024} KiB", hint=hint)


def decoded(raw: bytes, file: Path, fault: type[SetupError]) -> str:
    """Return the text of a file's bytes: UTF-8 with or without a BOM. Raises ``fault`` at the first wrong byte."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")  # the codec utf-8-sig would count positions without it
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        place = Place(shown(file), before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        raise fault(f"not UTF-8: byte 0x{raw[error.start]:02x}", hint="save the file as UTF-8", at=place) from None


def read_bytes(file: Path, fault: type[SetupError], *, most: int = MOST_BYTES) -> bytes:
    """Return the bytes of a regular file, at most ``most`` of them. Raises ``fault``."""
    with open_regular(file, fault) as stream:
        raw = stream.read(most + 1)
    _refuse_large(raw, file, fault, most)
    return raw


@contextmanager
def open_regular(file: Path, fault: type[SetupError]) -> Iterator[BinaryIO]:
    """Open a regular file for reading. Raises ``fault`` if it cannot be opened or read."""
    try:
        # opening a FIFO would block, and a device has no end
        if not stat.S_ISREG(_mode(file, fault)):
            kind = "a directory" if file.is_dir() else "not a regular file"
            raise fault(f"{shown(file)} is {kind}", hint="put a text file in its place")
        with file.open("rb") as stream:
            yield stream
    except OSError as error:
        raise fault(f"{shown(file)} cannot be read: {error.strerror}", hint=f"ls -l {quoted(file)}") from None


def _mode(file: Path, fault: type[SetupError]) -> int:
    try:
        return file.stat().st_mode
    except ValueError:
        raise fault(f"{str(file)!r} cannot name a file", hint="write a name without control characters") from None


def write_private(file: Path, text: str) -> None:
    """Write ``text`` completely or not at all, readable by its owner only (0600, new directories 0700).

    A link is followed. A device or a FIFO, such as ``/dev/stdout``, is written to. Raises ``SetupError`` if writing fails.
    """
    _write_to(file, text, 0o600)


def write_named(file: Path, text: str) -> None:
    """Write a file that the command line named, as ``write_private`` does, but readable by those whom the umask allows."""
    _write_to(file, text, 0o666)


def open_named(file: Path) -> TextIO:
    """Open a file that the command line named, to write it line by line. Raises ``SetupError``."""
    with _write_errors(file):
        if not _is_stream(file):
            _make_folder(Path(os.path.realpath(file)).parent, 0o777)
        return file.open("a" if _is_stream(file) else "w", encoding="utf-8", newline="")


def _write_to(file: Path, text: str, mode: int) -> None:
    with _write_errors(file):
        if _is_stream(file):
            with file.open("a", encoding="utf-8", newline="") as stream:
                stream.write(text)
            return
        target = Path(os.path.realpath(file))
        _make_folder(target.parent, mode | 0o111 if mode & 0o077 else 0o700)
        _write(target, text, mode)


def _is_stream(file: Path) -> bool:
    """Whether ``file`` is in ``/dev``, such as ``/dev/stdout``, or exists and is neither a regular file nor a folder."""
    mode = file.stat().st_mode if file.exists() else stat.S_IFREG
    return file.parent == Path("/dev") or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def rewrite(file: Path, text: str) -> None:
    """Replace the text of an existing file, completely or not at all; its permissions and line ends stay.

    Raises ``SetupError`` if it cannot be written.
    """
    with _write_errors(file):
        target = file.resolve()  # a link is followed
        _write(target, text, stat.S_IMODE(target.stat().st_mode), keep=True)


@contextmanager
def _write_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SetupError(
            f"{shown(file)} cannot be written: {error.strerror}", hint=f"ls -ld {quoted(file.parent)}"
        ) from None


def _write(file: Path, text: str, mode: int, *, keep: bool = False) -> None:
    """Write a new file of ``mode`` less the umask, or with ``keep`` of ``mode``, and put it in the place of ``file``."""
    unfinished = file.with_name(f".{file.name}.{os.urandom(4).hex()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if keep else mode)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        if keep:
            os.chmod(unfinished, mode)
        os.replace(unfinished, file)
    except BaseException:
        os.unlink(unfinished)
        raise


def append_private(file: Path, line: str) -> None:
    """Append ``line`` to a file of mode 0600 by one write, so that several processes can append at the same time.

    Raises ``SetupError`` if the file cannot be written.
    """
    with _write_errors(file):
        make_private(file.parent)
        with open(os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b", buffering=0) as stream:
            os.chmod(file, 0o600)  # an older file may have another mode
            ended = stream.read()[-1:] in (b"", b"\n")
            stream.write(f"{'' if ended else chr(10)}{line}\n".encode())


def make_private(folder: Path) -> None:
    """Make ``folder`` and its missing parents for the owner only."""
    _make_folder(folder, 0o700)


def _make_folder(folder: Path, mode: int) -> None:
    """Make ``folder`` and its missing parents; ``mkdir(parents=True)`` would not give ``mode`` to the parents."""
    if not folder.is_dir():
        _make_folder(folder.parent, mode)
        folder.mkdir(mode=mode, exist_ok=True)


def _same_bytes(one: Path, other: Path) -> bool:
    """Whether both are regular files with the same content; false if one of them cannot be read."""
    from filecmp import cmp

    try:
        return cmp(one, other, shallow=False)
    except OSError:
        return False


@lru_cache(maxsize=4096)  # every key that is typed asks for all names
def _path(folder: Path, entry: str) -> Path:
    return folder / entry


def _entries(folder: Path) -> set[str]:
    try:
        return {*os.listdir(folder)}
    except OSError:
        return set()
