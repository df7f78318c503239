"""The commands that show a message without sending it: ``render``, ``check``, ``curl``, ``snippet``."""

import sys
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

import click

from kshell.console.command import command, gathered, message_options, offering, pass_session, refuse_both
from kshell.core.errors import EXIT_REFUSED, Note
from kshell.core.json_text import dumps
from kshell.core.models import REDACTED, Draft, Finding, Pod, Result
from kshell.core.terminal import columns, finding_line
from kshell.profiles import api_key
from kshell.session.session import Overrides, Session

_strict = click.option("--strict", is_flag=True, help="Print nothing and exit 1 when check would find an error.")


class KeyForm(NamedTuple):
    """How a snippet shows the key, and whether placeholders stand for the code, the phone numbers and the SID."""

    masked: bool
    reveal: bool
    placeholders: bool

    def text(self, draft: Draft) -> str | None:
        """The text in place of the key; None for a reference. Raises ``SecretError`` if the key cannot be read."""
        refuse_both(masked=self.masked, reveal=self.reveal)
        if self.masked:
            return REDACTED
        return api_key.resolve(draft.account) if self.reveal else None

    def draft(self, session: Session, overrides: Overrides) -> Draft:
        """The session's draft. With placeholders they are in its request, and a missing number or code is no error."""
        if not self.placeholders:
            return session.draft(overrides)
        from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
        from kshell.snippets import placeholders

        template = session.current_template(overrides)
        texts = placeholders.unset(SEND_AUTHENTICATION, template, session.values(overrides))
        draft = session.draft(overrides._replace(variables={**texts, **overrides.variables}))
        return placeholders.with_placeholders(draft)


_key_options = gathered(
    "key",
    KeyForm,
    click.option("--reveal", is_flag=True, help="Print the API key instead of a reference to it."),
    click.option("--masked", is_flag=True, help=f"Print {REDACTED} in place of the API key."),
    click.option(
        "--placeholders", is_flag=True, help="Print placeholders for the code, the phone numbers and the SID."
    ),
)


@command("render", examples=["render to=+919812345678 otp=482913", "render -a docs"])
@message_options
@_strict
@pass_session
def render(session: Session, overrides: Overrides, *, strict: bool) -> Result:
    """Print the JSON payload."""
    draft = session.draft(overrides)
    return _preview(draft, dumps(draft.payload), strict=strict)


@command("curl", examples=["curl to=+919812345678 otp=482913", "curl -a docs --compact", "curl -a docs --shell cmd"])
@message_options
@click.option(
    "--shell",
    type=click.Choice(["bash", "zsh", "fish", "sh", "powershell", "cmd"]),
    default="bash",
    show_default=True,
    help="The shell to paste it into. The command is the same for bash, zsh, fish and sh.",
)
@_key_options
@click.option("--compact", is_flag=True, help="Print one line.")
@_strict
@pass_session
def curl(session: Session, overrides: Overrides, *, shell: str, key: KeyForm, compact: bool, strict: bool) -> Result:
    """Print the request as a curl command.

    The command does not contain the API key: it reads the environment variable that the account names, or
    KALEYRA_API_KEY. It makes the same request as send. It runs in bash, dash, zsh, fish and busybox; with
    --shell powershell in PowerShell 5.1 and 7; with --shell cmd in cmd.exe.
    """
    from kshell.snippets.shells import SHELLS

    draft = key.draft(session, overrides)
    text = SHELLS[shell](draft.request, key.text(draft), compact)
    result = _preview(draft, text, strict=strict)
    if draft.pod.embedded and sys.stderr.isatty() and not _is_served(draft.pod):
        result = result._replace(notes=[*result.notes, Note("hint", _SANDBOX.format(draft.pod.base_url))])
    return result


def _is_served(pod: Pod) -> bool:
    """Whether a program of this machine listens where the embedded pod would be: ``kshell sandbox``."""
    import socket

    url = urlsplit(pod.base_url)
    with suppress(OSError), socket.create_connection((url.hostname, url.port or 80), timeout=0.1):
        return True
    return False


_SANDBOX = "to run it, start kshell sandbox first: it answers at {}"


def _known_target(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Return the name of the target with this name or alias. Raises ``UsageError`` with the known targets."""
    from kshell.snippets.catalog import find_target

    return name and find_target(name).name


@command("snippet", examples=["snippet python to=+919812345678 otp=482913", "snippet postman -a docs", "snippet"])
@click.argument(
    "target", required=False, callback=_known_target, shell_complete=offering("targets"), metavar="[TARGET]"
)
@message_options
@_key_options
@_strict
@pass_session
def snippet(session: Session, overrides: Overrides, *, target: str | None, key: KeyForm, strict: bool) -> Result:
    """Print the request for another tool or language; without a TARGET, list the targets.

    The snippet does not contain the API key: it reads it from the environment or from a variable of the tool. It makes the
    same request as send.
    """
    from kshell.snippets.catalog import TARGETS

    if target is None:
        return Result(columns([(name, TARGETS[name].says) for name in sorted(TARGETS)]), prose=True)
    draft = key.draft(session, overrides)
    return _preview(draft, TARGETS[target].write(draft.request, key.text(draft)), strict=strict)


@command("check", examples=["check to=+919812345678 otp=482913", "check to=+919812345678 otp=12345678901234567 --json"])
@message_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON list.")
@pass_session
def check(session: Session, overrides: Overrides, *, as_json: bool) -> Result:
    """Check the payload, and print one finding a line.

    A line has the severity, the code of the rule, a JSON pointer, the problem and the correction. With an error the exit
    code is 1. kshell explain CODE shows the source of a rule.
    """
    draft = session.draft(overrides)
    code = EXIT_REFUSED if draft.errors else 0
    if as_json:
        return Result(dumps([finding._asdict() for finding in draft.findings]) + "\n", draft.notes, code)
    output = "".join(f"{finding_line(finding)}\n" for finding in draft.findings)
    notes = draft.notes if draft.findings else (*draft.notes, Note("info", "no findings"))
    return Result(output, notes, code, findings=draft.findings)


def _preview(draft: Draft, text: str, *, strict: bool) -> Result:
    notes: tuple[Note | Finding, ...] = (*draft.notes, *draft.findings)
    if strict and draft.errors:
        return Result("", notes, EXIT_REFUSED)
    return Result(f"{text}\n", notes)
