"""Define commands. One function serves the command line, the shell, scripts, completion and help.

A command takes its parsed options and arguments, and the session or the caller. It returns a ``Result`` and prints nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import update_wrapper
from math import isnan
from pathlib import Path
from typing import Any

import click

from kshell.console.caller import Caller, session_of
from kshell.core.errors import ScriptError, UsageError
from kshell.core.models import Result
from kshell.core.terminal import wrapped
from kshell.profiles.files import Places
from kshell.session.session import Overrides, Session

Decorator = Callable[[Callable[..., Result]], Callable[..., Result]]
Writes = Callable[[Mapping[str, Any]], tuple[str, str] | None]

SHOW = "kshell.show"
"""The key in ``context.meta`` of the function with which a slow command prints a ``Result`` at once."""


def _set_home(context: click.Context, _: click.Parameter, home: str | None) -> None:
    if home is not None or context.obj is None:
        context.find_root().obj = context.obj = Caller(Session(Places.standard(home)))


def _set_colour(context: click.Context, _: click.Parameter, chosen: Any) -> None:
    if chosen is not None:
        context.find_root().color = chosen


def _folders(_: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
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


class Printed(click.exceptions.Exit):
    """Raised by an option that prints ``text`` in place of running the command."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


def printing(names: Sequence[str], text: Callable[[click.Context], str], says: str) -> click.Option:
    """Return an option that prints ``text`` and exits. click's own ones use gettext, which makes every start import locale."""

    def show(context: click.Context, _: click.Parameter, given: Any) -> None:
        if given and not context.resilient_parsing:
            raise Printed(text(context))

    return click.Option(names, is_flag=True, is_eager=True, expose_value=False, callback=show, help=says)


HELP = printing(["-h", "--help"], lambda context: context.get_help(), "Show this message and exit.")


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
            rest = super().parse_args(ctx, self._with_long_names(args))
        except click.UsageError as error:
            if error.ctx:
                raise
            raise click.UsageError(error.format_message(), ctx) from None
        written = self.writes(ctx.params) if _frontend(ctx) == "script" else None
        if written:
            what, hint = written
            raise ScriptError(f"{ctx.info_name} {what} writes a file, which no script may do", hint=hint)
        return rest

    def _with_long_names(self, args: list[str]) -> list[str]:
        """Return the words with the long names of the short options at their start, which click finds 2 ms sooner.

        For each short option click first makes the error for an unknown long one, which searches for similar names.
        """
        options = (param for param in self.params if isinstance(param, click.Option) and not param.is_flag)
        long_names = {option.opts[0]: option.opts[-1] for option in options if len(option.opts[0]) == 2}
        named, rest = [], args
        while len(rest) > 1 and rest[0] in long_names:
            named += [long_names[rest[0]], rest[1]]
            rest = rest[2:]
        return named + rest

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


class File(click.Path):
    """The path of a file. What reads the file says why it cannot: click would call it wrong usage."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, readable=False)


class Number(click.FloatRange):
    """A number in a range; ``nan``, which no range excludes, is refused too."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number. Raises ``click.BadParameter`` for another text or a number out of the range."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def offering(kind: str) -> Callable[[click.Context, click.Parameter, str], list[Any]]:
    """Return what completes a parameter of click's with values of a ``kind``, a key of ``completion.COMPLETIONS``."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
        from kshell.console import completion

        return completion.complete(kind, context, incomplete)

    return complete


def refuse_both(**given: bool) -> None:
    """Raise ``UsageError`` if more than one of these options is given: another one would have no effect."""
    names = [f"--{name}" for name, value in given.items() if value]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} exclude each other", hint="leave one of them out")


class Assignment(click.ParamType[tuple[str, str]]):
    """``NAME=VALUE``; the value is all text after the first ``=``."""

    name = "NAME=VALUE"

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


def gathered(name: str, kind: Any, *parameters: Decorator) -> Decorator:
    """Return a decorator that adds click's ``parameters``. The function gets their values as one named tuple, ``name``."""

    def decorate(function: Callable[..., Result]) -> Callable[..., Result]:
        def with_gathered(**options: Any) -> Result:
            values = {field: options.pop(field) for field in kind._fields if field in options}
            return function(**{name: kind(**values)}, **options)

        # with the options that click has stored on the function
        decorated: Callable[..., Result] = update_wrapper(with_gathered, function)
        for parameter in reversed(parameters):
            decorated = parameter(decorated)
        return decorated

    return decorate


def _named(option: str, kind: str, says: str) -> Decorator:
    # -a=NAME gives NAME, as in argparse; click alone gives =NAME
    def plain(_: click.Context, __: click.Parameter, value: str) -> str:
        return value.removeprefix("=")

    completed = offering(f"{kind}s")
    return click.option(
        option, f"--{kind}", default="", callback=plain, shell_complete=completed, metavar="NAME", help=says
    )


_WHO_AND_WHERE = (
    _named("-a", "account", "Send as this account. [env: KSHELL_ACCOUNT]"),
    _named("-p", "pod", "Send to this pod."),
    _named("-t", "template", "Render this template."),
)


who_and_where = gathered("overrides", Overrides, *_WHO_AND_WHERE)
"""``-a``, ``-p`` and ``-t``; the function gets them as one ``Overrides`` named ``overrides``."""

message_options = gathered(
    "overrides",
    Overrides,
    click.argument(
        "variables",
        nargs=-1,
        type=Assignment(),
        callback=lambda _, __, pairs: dict(pairs),
        shell_complete=offering("assignments"),
        metavar="[NAME=VALUE]...",
    ),
    *_WHO_AND_WHERE,
)
"""The parameters of every message command; the function gets them as one ``Overrides`` named ``overrides``."""


def _passing(value: Callable[[click.Context], Any]) -> Decorator:
    """Return a decorator that gives the function ``value`` of click's context as its first argument."""

    def decorate(function: Callable[..., Result]) -> Callable[..., Result]:
        @click.pass_context
        def with_value(context: click.Context, /, *args: Any, **options: Any) -> Result:
            return function(value(context), *args, **options)

        return update_wrapper(with_value, function)

    return decorate


pass_caller = _passing(lambda context: context.obj)
pass_session = _passing(session_of)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
