"""``docs``: updates the snippets, payloads, answers and tables in Markdown files."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kshell.console.command import command, pass_session
from kshell.core.errors import EXIT_DONE, EXIT_REFUSED, EXIT_SETUP, Note, ScriptError
from kshell.core.models import Result
from kshell.profiles.files import MOST_BYTES, quoted, rewrite, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kshell.session.session import Session


def _writes(options: Mapping[str, Any]) -> tuple[str, str] | None:
    return None if options["check"] else ("without --check", "add --check, or type kshell docs on the command line")


@command("docs", examples=["docs README.md", "docs --check README.md docs/guide.md"], writes=_writes)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--check", is_flag=True, help="Change nothing; print a diff and exit 1 if a block is stale or faulty.")
@pass_session
def docs(session: Session, files: tuple[str, ...], *, check: bool) -> Result:
    """Update the blocks of Markdown files.

    A comment such as <!-- kshell: curl -a docs --> owns the fenced block or the table below it. The block holds the
    command's output; with 2>&1 at the end of the command, its stderr too. Answers come from the embedded simulator and are
    the same every time. The rest of a file does not change. If a command fails, no file changes. Hand-written curl commands
    are checked for mistakes that make them fail when pasted: a space after a backslash, an open quote, a variable in single
    quotes, a real key. Those for this API are also checked for an unknown host, a missing header and an invalid payload.
    """
    from kshell.documents.regenerate import regenerate

    before, errors = _read_all(files)
    after = {file: regenerate(text, shown(Path(file)), session.places) for file, text in before.items()}
    errors += [error for document in after.values() for error in document.errors]
    notes = [error.note for error in errors]
    faults = [fault for document in after.values() for fault in document.faults]
    notes += [fault._replace(kind="error") for fault in faults] if check else faults
    stale = [file for file, text in before.items() if after[file].text != text]
    if check:
        diff = "".join(_diff(file, before[file], after[file].text) for file in stale)
        notes += [Note("error", f"{shown(Path(file))} is stale") for file in stale]
        notes += _hint(files, [] if errors else stale)
        return Result(diff, notes, _check_code(errors, notes))
    if errors:
        return Result(notes=[*notes, Note("info", "nothing was rewritten")], exit_code=EXIT_SETUP)
    for file in stale:
        rewrite(Path(file), after[file].text)
    for file in before:
        count = _count(after[file].blocks, rewritten=file in stale)
        notes.append(Note("info", f"{shown(Path(file))}: {count}"))
    return Result(notes=notes)


def _check_code(errors: list[ScriptError], notes: list[Note]) -> int:
    if errors:
        return EXIT_SETUP
    return EXIT_REFUSED if notes else EXIT_DONE


def _count(blocks: int, *, rewritten: bool) -> str:
    if not blocks:
        return "no blocks"
    if blocks == 1:
        return f"1 block, {'rewritten' if rewritten else 'up to date'}"
    return f"{blocks} blocks, {'rewritten' if rewritten else 'all up to date'}"


def _read_all(files: tuple[str, ...]) -> tuple[dict[str, str], list[ScriptError]]:
    """Return the text of each readable file by its name, and the errors of the others."""
    texts: dict[str, str] = {}
    errors: list[ScriptError] = []
    for file in files:
        try:
            texts[file] = _read(Path(file))
        except ScriptError as error:
            errors.append(error)
    return texts, errors


def _hint(files: tuple[str, ...], stale: list[str]) -> list[Note]:
    command = f"kshell docs {' '.join(quoted(file) for file in files if file in stale)}"
    return [Note("hint", command)] if stale else []


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise ScriptError(f"{shown(file)} is larger than {MOST_BYTES // 1024} KiB", hint="split it")
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ScriptError(f"{shown(file)} is not UTF-8", hint="save the file as UTF-8") from None
    except OSError as error:
        raise ScriptError(f"{shown(file)} cannot be read: {error.strerror}", hint=f"ls -l {quoted(file)}") from None


def _diff(file: str, before: str, after: str) -> str:
    name = shown(Path(file))
    lines = unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (updated)", lineterm="")
    return "".join(f"{line}\n" for line in lines)
