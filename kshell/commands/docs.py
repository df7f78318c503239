"""``docs``: updates the snippets, payloads, answers and tables in documents."""

import os
from collections.abc import Collection, Iterator, Mapping
from difflib import unified_diff
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import click

from kshell.console.command import command, pass_session
from kshell.core.errors import EXIT_DONE, EXIT_REFUSED, EXIT_SETUP, Note, ScriptError, listed
from kshell.core.models import Result
from kshell.profiles.files import quoted, read_bytes, rewrite, shown
from kshell.session.session import Session


def _writes(options: Mapping[str, Any]) -> tuple[str, str] | None:
    return None if options["check"] else ("without --check", "add --check, or type kshell docs on the command line")


@command("docs", examples=["docs README.md", "docs --check README.md docs/ 'guide/*.rst'"], writes=_writes)
@click.argument("files", nargs=-1, required=True, type=click.Path(readable=False), metavar="FILE...")
@click.option("--check", is_flag=True, help="Change nothing; print a diff and exit 1 if a block is stale or faulty.")
@pass_session
def docs(session: Session, files: tuple[str, ...], *, check: bool) -> Result:
    """Update the blocks of documents: Markdown, MDX, MyST, reStructuredText and AsciiDoc.

    A FILE is a file, a folder with all documents below it, or a pattern such as 'docs/*.md'. A comment such as
    <!-- kshell: curl -a docs --> owns the code block or the table below it; MDX has {/* kshell: … */}, MyST % kshell: …,
    reStructuredText .. kshell: … and AsciiDoc // kshell: …. The block holds the command's output; with 2>&1 at the end of
    the command, its stderr too. Answers come from the embedded simulator and are the same every time. The rest of a file
    does not change. If a command fails, no file changes. Hand-written curl commands are checked for mistakes that make them
    fail when pasted: a space after a backslash, an open quote, a variable in single quotes, a real key. Those for this API
    are also checked for an unknown host, a missing header and an invalid payload.
    """
    from kshell.documents.regenerate import READERS, regenerate

    found = _found(files, READERS)
    before, errors = _read_all(found)
    after = {file: regenerate(text, shown(Path(file)), session.places) for file, text in before.items()}
    errors += [error for document in after.values() for error in document.errors]
    notes = [error.note for error in errors]
    unchanged = check or errors
    for document in after.values():
        faults = document.faults if unchanged else document.faults_after()
        notes += [fault._replace(kind="error") for fault in faults] if check else faults
    stale = [file for file, text in before.items() if after[file].text != text]
    if check:
        lines = [line for file in stale for line in _diff(shown(Path(file)), before[file], after[file].text)]
        notes += [Note("error", f"{shown(Path(file))} is stale") for file in stale]
        if stale and not errors:
            notes.append(Note("hint", f"kshell docs {' '.join(map(quoted, stale))}"))
        code = EXIT_SETUP if errors else EXIT_REFUSED if notes else EXIT_DONE
        blocks, true = sum(it.blocks for it in after.values()), sum(it.true for it in after.values())
        return Result("".join(f"{line}\n" for line in lines), [*notes, _summary(len(after), blocks, true)], code)
    if errors:
        return Result(notes=[*notes, Note("info", "nothing was rewritten")], exit_code=EXIT_SETUP)
    for file in stale:
        rewrite(Path(file), after[file].text)
    for file in before:
        if after[file].blocks or file in files:  # of a folder, only those with blocks
            count = _count(after[file].blocks, rewritten=file in stale)
            notes.append(Note("info", f"{shown(Path(file))}: {count}"))
    return Result(notes=notes)


def _found(names: tuple[str, ...], endings: Collection[str]) -> tuple[str, ...]:
    """Return the files that are named, those below a folder, and those of a pattern; each once, a folder's sorted."""
    found: list[str] = []
    for name in names:
        if os.path.isdir(name):
            found += _below(name, endings)
        elif not os.path.lexists(name) and has_magic(name):
            matches = sorted(glob(name, recursive=True))
            for match in matches:
                found += _below(match, endings) if os.path.isdir(match) else [match]
            if not matches:
                raise ScriptError(f"no file matches {name}", hint="a pattern such as 'docs/**/*.md' is quoted")
        else:
            found.append(name)
    return tuple(dict.fromkeys(found))


def _below(folder: str, endings: Collection[str]) -> list[str]:
    """Return the documents below ``folder``, without hidden folders and installed packages."""
    found: list[str] = []
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        found += [os.path.join(path, file) for file in sorted(files) if Path(file).suffix.lower() in endings]
    if not found:
        raise ScriptError(f"{folder} has no documents", hint=f"documents end in {listed(tuple(endings), most=9)}")
    return found


def _summary(files: int, blocks: int, true: int) -> Note:
    """Return the line that counts the true blocks of all documents."""
    all_of_them = f"{blocks} block{'' if blocks == 1 else 's'}, all true" if blocks else "no blocks"
    counted = all_of_them if true == blocks else f"{true} of {blocks} blocks are true"
    return Note("info", f"{files} file{'' if files == 1 else 's'}: {counted}")


def _diff(name: str, before: str, after: str) -> Iterator[str]:
    return unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (updated)", lineterm="")


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
            texts[file] = read_bytes(Path(file), ScriptError).decode("utf-8")
        except UnicodeDecodeError:
            errors.append(ScriptError(f"{shown(Path(file))} is not UTF-8", hint="save the file as UTF-8"))
        except ScriptError as error:
            errors.append(error)
    return texts, errors
