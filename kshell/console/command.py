"""Define commands. One function serves the command line, the shell, scripts, completion and help.

A command takes its parsed options and arguments, and the session or the caller. It returns a ``Result`` and prints nothing.
"""

from __future__ import annotations

from functools import update_wrapper
from math import isnan
from typing import TYPE_CHECKING, Any

import click

from kshell.console.caller import Caller, session_of
from kshell.core.errors import ScriptError, UsageError
from kshell.core.terminal import wrapped
from kshell.profiles.files import Places
from kshell.session.session import Overrides, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from click.shell_completion import CompletionItem

    from kshell.core.models import Result

    Writes = Callable[[Mapping[str, Any]], tuple[str, str] | None]

SHOW = "kshell.show"
"""The key in ``context.meta`` of the function with which a slow command prints a ``Result`` at once."""


def _set_home(context: click.Context, _: click.Parameter, home: str | None) -> None:
    if home is not None or context.obj is None:
        context.find_root().obj = context.obj = Caller(Session(Places.standard(home)))


def _set_colour(context: click.Context, _: click.Parameter, chosen: Any) -> None:
    if chosen is not None:
        context.find_root().color = chosen


def _folders(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]


def common_options(*, hidden: bool) -> list[click.Option]:
    """``--home`` and ``--color``, which are valid before and after the command's name."""
    return [
        click.Option(
            ["--home"], metavar="DIR", shell_complete=_folders, hidden=hidden, expose_value=False, is_eager=True,
            callback=_set_home,
            help="Look for profiles/ and templates/ in DIR instead of the working directory. [env: KSHELL_HOME]",
        ),
        click.Option(
            ["--color/--no-color"], default=None, hidden=hidden, expose_value=False, is_eager=True, callback=_set_colour,
            help="Print colours always or never; by default on a terminal. [env: NO_COLOR]",
        ),
    ]  # fmt: skip


_COMMON = common_options(hidden=True)


def _show_help(context: click.Context, _: click.Parameter, given: Any) -> None:
    if given and not context.resilient_parsing:
        click.echo(context.get_help(), color=context.color)
        context.exit()


# click's own option is translated by gettext, which makes every start import locale
HELP = click.Option(
    ["-h", "--help"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_help,
    help="Show this message and exit.",
)


class _Formatter(click.HelpFormatter):
    """click's formatter, for narrow terminals too: the first column takes half of the width at most."""

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write a list of terms and what they mean, as click does."""
        super().write_dl(rows, min(col_max, self.width // 2), col_spacing)


class HelpContext(click.Context):
    """click's context, with that formatter."""

    formatter_class = _Formatter


class Command(click.Command):
    """A command with examples. Its help shows them, and a test runs them.

    ``writes`` returns, for parsed options, those that write a file and what to type instead; None if none does. A script may
    be somebody else's, so it cannot use them.
    """

    context_class = HelpContext

    def __init__(self, *args: Any, examples: Sequence[str] = (), writes: Writes, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "add_help_option": False})
        self.examples = tuple(examples)
        self.writes = writes

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The declared parameters, ``--help``, and on the command line the common options."""
        declared = [*super().get_params(ctx), HELP]
        return [*declared, *_COMMON] if _frontend(ctx) == "line" else declared

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does; add the context to the parser's errors that lack it."""
        try:
            rest = super().parse_args(ctx, args)
        except click.UsageError as error:
            if error.ctx:
                raise
            raise click.UsageError(error.format_message(), ctx) from None
        written = self.writes(ctx.params) if _frontend(ctx) == "script" else None
        if written:
            what, hint = written
            raise ScriptError(f"{ctx.info_name} {what} writes a file, which no script may do", hint=hint)
        return rest

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the options."""
        if self.examples:
            with formatter.section("Examples"):
                lead = f"{ctx.find_root().info_name} ".lstrip()
                lines = (line for example in self.examples for line in wrapped(f"  {lead}{example}", formatter.width))
                formatter.write("".join(f"{line}\n" for line in lines))
        super().format_epilog(ctx, formatter)


def _frontend(context: click.Context) -> str:
    return getattr(context.find_root().command, "frontend", "line")


def command(
    name: str, *, examples: Sequence[str], writes: Writes = lambda _: None
) -> Callable[[Callable[..., Result]], Command]:
    """Define the command ``name``. The function's docstring is its help; click decorators define its parameters."""
    return click.command(name, cls=Command, examples=examples, writes=writes)


class Number(click.FloatRange):
    """A number in a range; ``nan``, which no range excludes, is refused too."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number. Raises ``click.BadParameter`` for another text or a number out of the range."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


class Known(click.ParamType[str]):
    """A text parameter with completions of a ``kind``, a key of ``completion.COMPLETIONS``."""

    def __init__(self, kind: str) -> None:
        self.name = kind
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Return the text. ``-a=NAME`` gives ``NAME``, as in argparse; click alone gives ``=NAME``."""
        return str(value).removeprefix("=") if isinstance(param, click.Option) else str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG002
        """The completions that begin with ``incomplete``."""
        from kshell.console import completion

        return completion.complete(self.kind, ctx, incomplete)


class Assignment(click.ParamType[tuple[str, str]]):
    """``NAME=VALUE``; the value is all text after the first ``=``."""

    name = "NAME=VALUE"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG002
        """The template's variables; after ``=`` the variable's known values."""
        from kshell.console import completion

        return completion.complete("assignments", ctx, incomplete)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:  # noqa: ARG002
        """Return the name and the value. Raises ``UsageError`` if there is no ``=`` or no name before it."""
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not equals or not name.isidentifier():
            hint = "a variable is written like to=+919812345678"
            if name in ("|", ">", ">>"):
                hint = "only the shell writes output to a file or a program"
            # the message leaves out the value, which may be a key
            raise UsageError(f"{name + equals!r} is not NAME=VALUE", hint=hint)
        return name, text


def message_options(function: Callable[..., Result]) -> Callable[..., Result]:
    """Add the parameters of every message command; the function gets them as one ``Overrides`` named ``overrides``."""

    def with_overrides(
        *, variables: tuple[tuple[str, str], ...], account: str, pod: str, template: str, **options: Any
    ) -> Result:
        return function(overrides=Overrides(account, pod, template, dict(variables)), **options)

    decorated = update_wrapper(with_overrides, function)  # keeps the options that click has stored on the function
    variables = click.argument("variables", nargs=-1, type=Assignment(), metavar="[NAME=VALUE]...")
    return variables(who_and_where(decorated))


def who_and_where(function: Callable[..., Result]) -> Callable[..., Result]:
    """Add ``-a``, ``-p`` and ``-t``; the function gets them as ``account``, ``pod`` and ``template``, empty if not given."""
    for option, kind, what in _WHO_AND_WHERE:
        function = click.option(option, f"--{kind}", default="", type=Known(f"{kind}s"), metavar="NAME", help=what)(
            function
        )
    return function


_WHO_AND_WHERE = (
    ("-t", "template", "Render this template."),
    ("-p", "pod", "Send to this pod."),
    ("-a", "account", "Send as this account. [env: KSHELL_ACCOUNT]"),
)


def pass_caller(function: Callable[..., Result]) -> Callable[..., Result]:
    """Give the function the caller of the command as its first argument."""

    @click.pass_context
    def with_caller(context: click.Context, /, *args: Any, **options: Any) -> Result:
        return function(context.obj, *args, **options)

    return update_wrapper(with_caller, function)


def pass_session(function: Callable[..., Result]) -> Callable[..., Result]:
    """Give the function the session of its caller as its first argument."""

    @click.pass_context
    def with_session(context: click.Context, /, *args: Any, **options: Any) -> Result:
        return function(session_of(context), *args, **options)

    return update_wrapper(with_session, function)
