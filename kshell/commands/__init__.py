"""Commands: one function each, defined once for the command line, for shell completion and for help.

A command takes what was typed and the session, and returns a ``Result``; only the outermost layer prints. This module holds
what they share and the table of their names; a module of commands is imported when one of them is asked for.
"""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from kshell.errors import EXIT_DONE, UsageError
from kshell.places import Places
from kshell.session import Overrides, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from click.shell_completion import CompletionItem

Mouth = Literal["line", "shell", "script"]


class Entry(NamedTuple):
    """Where a command is defined, and who understands it: the command line, the shell, scripts.

    ``whole`` is whether it takes the rest of its line as it stands, quotes and all.
    """

    module: str
    mouths: tuple[Mouth, ...] = ("line", "shell", "script")
    whole: bool = False


_IN_SESSION: tuple[Mouth, ...] = ("shell", "script")
_TYPED: tuple[Mouth, ...] = ("line", "shell")  # by the user: a script, which may be somebody else's, cannot say it

SECTIONS: dict[str, dict[str, Entry]] = {
    "Messages": {
        "render": Entry("message"),
        "check": Entry("message"),
        "curl": Entry("message"),
        "snippet": Entry("message"),
        "send": Entry("send"),
        "edit": Entry("edit", ("shell",)),
    },
    "Session": {
        "use": Entry("session", _IN_SESSION),
        "set": Entry("session", _IN_SESSION),
        "unset": Entry("session", _IN_SESSION),
        "vars": Entry("session", _IN_SESSION),
        "otp": Entry("session", _IN_SESSION),
    },
    "What was sent": {
        "last": Entry("exchange", ("shell",)),
        "history": Entry("exchange", ("shell",)),
        "again": Entry("exchange", ("shell",)),
        "diff": Entry("exchange", ("shell",)),
        "inbox": Entry("inbox", ("shell",)),
    },
    "Scripts": {
        "expect": Entry("expect", _IN_SESSION, whole=True),
        "capture": Entry("expect", _IN_SESSION, whole=True),
        "source": Entry("script", _IN_SESSION),
        "run": Entry("script"),
        "record": Entry("record", ("shell",)),
    },
    "Looking things up": {
        "explain": Entry("explain"),
        "accounts": Entry("listing"),
        "pods": Entry("listing"),
        "templates": Entry("listing"),
        "help": Entry("help"),
    },
    "Documentation": {"import": Entry("importing"), "docs": Entry("docs")},
    "Setup": {
        "init": Entry("init", _TYPED),
        "doctor": Entry("doctor"),
        "sandbox": Entry("sandbox"),
        "trust": Entry("trust", _TYPED),
        "completion": Entry("completion"),
        "shell": Entry("shell", ("line",)),
        "exit": Entry("shell", _IN_SESSION),
    },
}
"""Every command, by the section of the help it stands in."""


class Result(NamedTuple):
    """What a command came to: ``output`` for stdout, ``notes`` for stderr, one a line.

    Bytes came from a server: a pipe gets them as they are, a terminal only where ``raw``. ``sent``: the exit code says what
    became of a message, and that holds also where stdout cannot be written.
    """

    output: str | bytes = ""
    notes: Sequence[str] = ()
    exit_code: int = EXIT_DONE
    raw: bool = False
    sent: bool = False


SHOW = "kshell.show"
"""Where a context keeps the function that prints a ``Result`` at once, for a command that takes its time."""


def _set_home(context: click.Context, _: click.Parameter, home: str | None) -> None:
    if home is not None or context.obj is None:
        context.find_root().obj = context.obj = Session(Places.standard(home))


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
    """A command with examples, which its help shows and a test runs."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "add_help_option": False})
        self.examples = tuple(examples)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """What was declared, ``--help``, and on the command line the options that every command understands there."""
        declared = [*super().get_params(ctx), HELP]
        return [*declared, *_COMMON] if getattr(ctx.find_root().command, "mouth", "line") == "line" else declared

    def make_parser(self, ctx: click.Context) -> Any:
        """As click does; ``-a`` is found at once, where click would look for a long name near it first."""
        parser = super().make_parser(ctx)
        parser._long_opt |= parser._short_opt
        return parser

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; an error of the parser learns, too, which command it is about."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, below the options."""
        if self.examples:
            with formatter.section("Examples"):
                lead = f"{ctx.find_root().info_name} ".lstrip()
                formatter.write("".join(f"  {lead}{example}\n" for example in self.examples))
        super().format_epilog(ctx, formatter)


def command(name: str, *, examples: Sequence[str]) -> Callable[[Callable[..., Result]], Command]:
    """Define the command ``name``: its function's docstring is its help, its decorators are its parsing."""
    return click.command(name, cls=Command, examples=examples)


class Known(click.ParamType[str]):
    """A word of which completion knows what it may be: ``offer`` names a function of ``completion``."""

    def __init__(self, offer: str) -> None:
        self.name = offer
        self.offer = offer

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG002
        """What begins with ``incomplete``."""
        from kshell import completion

        return completion.offered(self.offer, ctx, incomplete)


class Assignment(click.ParamType[tuple[str, str]]):
    """``NAME=VALUE``; the value is the rest of the word, whatever it holds."""

    name = "NAME=VALUE"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG002
        """The template's variables, and behind ``=`` their values where they are known."""
        from kshell import completion

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


def session_of(context: click.Context) -> Session:
    """The session that a command runs in."""
    session = context.obj
    assert isinstance(session, Session)  # noqa: S101 - cli and shell put it there
    return session


pass_session = click.make_pass_decorator(Session)
