"""How a command is made: one function, defined once for the command line, the shell, scripts, completion and help.

A command takes what was typed and the session or its caller, and returns a ``Result``; only the outermost layer prints.
"""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any

import click

from kshell.console.caller import Caller, session_of
from kshell.core.errors import ScriptError, UsageError
from kshell.profiles.files import Places
from kshell.session.session import Overrides, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from click.shell_completion import CompletionItem

    from kshell.core.models import Result

    Writes = Callable[[Mapping[str, Any]], tuple[str, str] | None]

SHOW = "kshell.show"
"""Where a context keeps the function that prints a ``Result`` at once, for a command that takes its time."""


def _set_home(context: click.Context, _: click.Parameter, home: str | None) -> None:
    if home is not None or context.obj is None:
        context.find_root().obj = context.obj = Caller(Session(Places.standard(home)))


def _set_colour(context: click.Context, _: click.Parameter, chosen: Any) -> None:
    if chosen is not None:
        context.find_root().color = chosen


def common_options(*, hidden: bool) -> list[click.Option]:
    """``--home`` and ``--color``: shown once, understood before and behind the command's name."""
    return [
        click.Option(
            ["--home"], metavar="DIR", hidden=hidden, expose_value=False, is_eager=True, callback=_set_home,
            help="Look for profiles/ and templates/ in DIR instead of the working directory. [env: KSHELL_HOME]",
        ),
        click.Option(
            ["--color/--no-color"], default=None, hidden=hidden, expose_value=False, is_eager=True, callback=_set_colour,
            help="Colour, also where the output is no terminal; or none. [env: NO_COLOR]",
        ),
    ]  # fmt: skip


_COMMON = common_options(hidden=True)


def _show_help(context: click.Context, _: click.Parameter, asked: Any) -> None:
    if asked and not context.resilient_parsing:
        click.echo(context.get_help(), color=context.color)
        context.exit()


# click's own is translated by gettext, which imports locale for it at every start
HELP = click.Option(
    ["-h", "--help"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_help,
    help="Show this message and exit.",
)


class Command(click.Command):
    """A command with examples, which its help shows and a test runs.

    ``writes`` returns, for parsed options, those that write a file and what to type instead; None if none does. A script may
    be somebody else's, so it cannot use them.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), writes: Writes, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "add_help_option": False})
        self.examples = tuple(examples)
        self.writes = writes

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """What was declared, ``--help``, and on the command line the options that every command understands there."""
        declared = [*super().get_params(ctx), HELP]
        return [*declared, *_COMMON] if _frontend(ctx) == "line" else declared

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; an error of the parser learns, too, which command it is about."""
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
        """The examples, below the options."""
        if self.examples:
            with formatter.section("Examples"):
                lead = f"{ctx.find_root().info_name} ".lstrip()
                formatter.write("".join(f"  {lead}{example}\n" for example in self.examples))
        super().format_epilog(ctx, formatter)


def _frontend(context: click.Context) -> str:
    return getattr(context.find_root().command, "frontend", "line")


def command(
    name: str, *, examples: Sequence[str], writes: Writes = lambda _: None
) -> Callable[[Callable[..., Result]], Command]:
    """Define the command ``name``: its function's docstring is its help, its decorators are its parsing."""
    return click.command(name, cls=Command, examples=examples, writes=writes)


class Known(click.ParamType[str]):
    """A word of which completion knows what it may be: ``offer`` names a function of ``completion``."""

    def __init__(self, offer: str) -> None:
        self.name = offer
        self.offer = offer

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Return the word. ``-a=NAME`` means ``NAME``, as in argparse; click reads ``=NAME``, and no name begins so."""
        return str(value).removeprefix("=") if isinstance(param, click.Option) else str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG002
        """What begins with ``incomplete``."""
        from kshell.console import completion

        return completion.offered(self.offer, ctx, incomplete)


class Assignment(click.ParamType[tuple[str, str]]):
    """``NAME=VALUE``; the value is the rest of the word, whatever it holds."""

    name = "NAME=VALUE"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG002
        """The template's variables, and behind ``=`` their values where they are known."""
        from kshell.console import completion

        return completion.offered("assignments", ctx, incomplete)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:  # noqa: ARG002
        """The pair. Raises ``UsageError`` where there is no ``=``, or no name before it."""
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not equals or not name.isidentifier():
            # what stands behind the = is not repeated: it may be a key
            raise UsageError(f"{name + equals!r} is not NAME=VALUE", hint="a variable is written like to=+919812345678")
        return name, text


def message_options(function: Callable[..., Result]) -> Callable[..., Result]:
    """The words every message command takes; the function gets them as one ``Overrides`` named ``overrides``."""

    def gathered(
        *, variables: tuple[tuple[str, str], ...], account: str, pod: str, template: str, **options: Any
    ) -> Result:
        return function(overrides=Overrides(account, pod, template, dict(variables)), **options)

    gathered = update_wrapper(gathered, function)  # with the options that click has put on the function so far
    for decorate in (
        click.option(
            "-t", "--template", default="", type=Known("templates"), metavar="NAME", help="Render this template."
        ),
        click.option("-p", "--pod", default="", type=Known("pods"), metavar="NAME", help="Send to this pod."),
        click.option(
            "-a", "--account", default="", type=Known("accounts"), metavar="NAME", help="Send as this account."
        ),
        click.argument("variables", nargs=-1, type=Assignment(), metavar="[NAME=VALUE]..."),
    ):
        gathered = decorate(gathered)
    return gathered


pass_caller = click.make_pass_decorator(Caller)


def pass_session(function: Callable[..., Result]) -> Callable[..., Result]:
    """Give the function the session of its caller as its first argument."""

    @click.pass_context
    def with_session(context: click.Context, /, *args: Any, **options: Any) -> Result:
        return function(session_of(context), *args, **options)

    return update_wrapper(with_session, function)
