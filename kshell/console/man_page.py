"""The man page of kshell, in roff, from the definitions of the commands."""

from collections.abc import Iterator

import click

from kshell import __version__
from kshell.console.command import Command, HelpContext
from kshell.console.group import commands_of
from kshell.syntax.command_table import SECTIONS, Frontend

_WHERE: dict[tuple[Frontend, ...], str] = {
    ("shell",): "Only in the shell.",
    ("shell", "script"): "Only in the shell and in scripts.",
    ("line",): "Only on the command line.",
    ("line", "shell"): "Not in scripts.",
}

EXITS = (
    ("0", "Done; for send, accepted."),
    ("1", "The API refused it, check found an error, an expect failed, or docs --check found a difference."),
    ("2", "Wrong usage."),
    ("3", "A profile, template, script or secret is wrong or missing."),
    ("4", "Not sent: it failed before any of the request was written."),
    ("5", "Unknown: the API may have the message. Nothing resends it by itself."),
    ("130, 143, 129", "Ended by SIGINT (Ctrl-C), SIGTERM, SIGHUP. What became of each message is printed."),
)
ENVIRONMENT = (
    ("KSHELL_ACCOUNT", "The default account."),
    ("KSHELL_HOME", "A folder with profiles/ and templates/, searched in place of the working directory."),
    ("KALEYRA_API_KEY", "The API key, for accounts with api_key: env:KALEYRA_API_KEY."),
    ("VISUAL, EDITOR", "The editor of edit."),
    ("NO_COLOR", "If it is set, nothing is coloured."),
    ("KSHELL_DEBUG", "If it is set, a bug in kshell prints its traceback."),
)


def man_page() -> str:
    """Return the text of the man page ``kshell(1)``."""
    root = commands_of("line")
    context = HelpContext(root, info_name="kshell", **root.context_settings)
    lines = [
        f'.TH KSHELL 1 "" "kshell {__version__}" "User Commands"',
        ".ad l\n.nh",
        ".SH NAME",
        r"kshell \- shell for one-time passwords by Kaleyra's WhatsApp API",
        ".SH SYNOPSIS",
        f".B kshell\n{_text('[-a NAME] [-p NAME] [-t NAME]')}\n.br",
        ".B kshell\nCOMMAND [OPTIONS] [ARGS]...\n.br",
        ".SH DESCRIPTION",
        *_paragraphs(root.help or ""),
        ".SH OPTIONS",
        *_options(root, context),
    ]
    for title, entries in SECTIONS.items():
        lines.append(f".SH {title.upper()}")
        for name, entry in entries.items():
            lines += _command(root.find(name), context, _WHERE.get(entry.frontends, ""))
    lines += [".SH EXIT STATUS", *_terms(EXITS), ".SH ENVIRONMENT", *_terms(ENVIRONMENT)]
    return "\n".join(lines) + "\n"


def _command(command: Command, root: click.Context, where: str) -> Iterator[str]:
    """Yield a command's usage, help, options and examples."""
    context = HelpContext(command, info_name=command.name, parent=root)
    yield f".SS {command.name}"
    yield f".B {command.name}\n{_text(' '.join(command.collect_usage_pieces(context)))}"
    yield from _paragraphs(command.help or "")
    if where:
        yield f".PP\n{_text(where)}"
    yield from _options(command, context)
    yield f".PP\n{'Example' if len(command.examples) == 1 else 'Examples'}:"
    for example in command.examples:
        yield f".RS\n{_text(example)}\n.RE"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    options = (param for param in command.get_params(context) if isinstance(param, click.Option))
    records = (option.get_help_record(context) for option in options)
    return _terms(tuple(record for record in records if record and record[0] != "-h, --help"))


def _terms(rows: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for term, says in rows:
        yield f".TP\n.B {_text(term)}\n{_text(says)}"


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        yield f".PP\n{_text(' '.join(paragraph.split()))}"


def _text(text: str) -> str:
    """Return ``text`` as roff prints it: no sign in it is an instruction, and a hyphen can be copied as a minus."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    escaped = "".join(sign if sign.isascii() else f"\\[u{ord(sign):04X}]" for sign in escaped)
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped
