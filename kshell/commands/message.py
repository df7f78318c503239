"""What a message is before it is sent: ``render``, ``check``, ``curl``, ``snippet``."""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from kshell.console.command import command, message_options, pass_session
from kshell.core.errors import EXIT_REFUSED, Note, UsageError, did_you_mean, listed
from kshell.core.json_text import dumps
from kshell.core.models import REDACTED, Result
from kshell.core.terminal import columns, finding_line
from kshell.profiles import api_key as keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

    from kshell.core.models import Draft, Finding, Request
    from kshell.session.session import Overrides, Session


def _strict(function: Callable[..., Result]) -> Callable[..., Result]:
    return click.option("--strict", is_flag=True, help="Print nothing and exit 1 when check would find an error.")(
        function
    )


class KeyForm(NamedTuple):
    """What a snippet shows of the key, and whether of the code and the numbers."""

    masked: bool
    reveal: bool
    placeholders: bool

    def text(self, draft: Draft) -> str | None:
        """What stands in the place of the key; None for a reference. Raises ``SecretError`` where it cannot be had."""
        if self.masked:
            return REDACTED
        return keys.resolve(draft.account) if self.reveal else None

    def request(self, draft: Draft) -> Request:
        """The draft's request, or the same with placeholders."""
        from kshell.snippets import with_placeholders

        return with_placeholders(draft.request) if self.placeholders else draft.request


def _key_options(function: Callable[..., Result]) -> Callable[..., Result]:
    """``--masked``, ``--reveal`` and ``--placeholders``; the function gets them as one ``KeyForm`` named ``key``."""

    def gathered(*, masked: bool, reveal: bool, placeholders: bool, **options: Any) -> Result:
        if masked and reveal:
            raise UsageError("--masked and --reveal exclude each other", hint="leave one of them out")
        return function(key=KeyForm(masked, reveal, placeholders), **options)

    gathered = update_wrapper(gathered, function)
    for decorate in (
        click.option("--placeholders", is_flag=True, help="Print words in place of the code and the phone numbers."),
        click.option("--masked", is_flag=True, help=f"Print {REDACTED} in place of the API key."),
        click.option("--reveal", is_flag=True, help="Print the API key instead of a reference to it."),
    ):
        gathered = decorate(gathered)
    return gathered


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
    type=click.Choice(["bash", "powershell", "cmd"]),
    default="bash",
    show_default=True,
    help="The shell to paste it into; bash is dash, zsh, fish and busybox too.",
)
@_key_options
@click.option("--compact", is_flag=True, help="Print one line.")
@_strict
@pass_session
def curl(session: Session, overrides: Overrides, *, shell: str, key: KeyForm, compact: bool, strict: bool) -> Result:
    """Print the request as a curl command.

    The API key stays out of it: the line reads an environment variable, which is the one the account names or
    KALEYRA_API_KEY. What is printed makes the request that send makes, in bash, dash, zsh, fish and busybox; with
    --shell powershell in PowerShell 5.1 and 7; with --shell cmd in cmd.exe.
    """
    from kshell import snippets

    draft = session.draft(overrides)
    text = snippets.curl(key.request(draft), key=key.text(draft), compact=compact, shell=shell)
    return _preview(draft, text, strict=strict)


class _TargetName(click.ParamType[str]):
    """The name of a snippet's target; completed and described from the registry, which is imported when needed."""

    name = "TARGET"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """The name. Raises ``UsageError`` with what there is."""
        from kshell.snippets import TARGETS

        if value not in TARGETS:
            near = did_you_mean(value, TARGETS)
            raise UsageError(
                f"there is no target {value!r}", hint=near or f"targets: {listed(sorted(TARGETS), most=20)}"
            )
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """The targets that begin so."""
        from click.shell_completion import CompletionItem

        from kshell.snippets import TARGETS

        return [
            CompletionItem(known.name, help=known.says)
            for known in TARGETS.values()
            if known.name.startswith(incomplete)
        ]


@command("snippet", examples=["snippet python to=+919812345678 otp=482913", "snippet postman -a docs", "snippet"])
@click.argument("target", required=False, type=_TargetName(), metavar="[TARGET]")
@message_options
@_key_options
@_strict
@pass_session
def snippet(session: Session, overrides: Overrides, *, target: str | None, key: KeyForm, strict: bool) -> Result:
    """Print the request for another tool or language; without a TARGET, list what there is.

    The API key stays out of it: the snippet reads it from the environment or from a variable of the tool. What is printed
    makes the request that send makes.
    """
    from kshell.snippets import TARGETS

    if target is None:
        return Result(columns([(name, TARGETS[name].says) for name in sorted(TARGETS)]))
    draft = session.draft(overrides)
    return _preview(draft, TARGETS[target].write(key.request(draft), key.text(draft)), strict=strict)


@command("check", examples=["check to=+919812345678 otp=482913", "check to=+919812345678 otp=12345678901234567 --json"])
@message_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON list.")
@pass_session
def check(session: Session, overrides: Overrides, *, as_json: bool) -> Result:
    """Print what is wrong with the payload, one finding a line.

    A line holds the severity, the code of the rule, a JSON pointer, what is wrong, and what to write instead. An error
    makes the exit code 1; kshell explain CODE says what a rule rests on.
    """
    draft = session.draft(overrides)
    if as_json:
        output = dumps([finding._asdict() for finding in draft.findings]) + "\n"
    else:
        output = "".join(f"{finding_line(finding)}\n" for finding in draft.findings)
    notes = draft.notes if draft.findings or as_json else (*draft.notes, Note("info", "no findings"))
    return Result(output, notes, EXIT_REFUSED if draft.errors else 0)


def _preview(draft: Draft, text: str, *, strict: bool) -> Result:
    notes: tuple[Note | Finding, ...] = (*draft.notes, *draft.findings)
    if strict and draft.errors:
        return Result("", notes, EXIT_REFUSED)
    return Result(f"{text}\n", notes)
