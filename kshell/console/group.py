"""The click group of each frontend. It imports a command's module when the command is needed."""

import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import click

from kshell import __version__
from kshell.console.caller import session_of
from kshell.console.command import HELP, Command, HelpContext, common_options, printing, who_and_where
from kshell.core.errors import KshellError, ScriptError, UsageError, did_you_mean
from kshell.core.models import Result
from kshell.session.session import Overrides
from kshell.syntax.command_table import COMMANDS, OTHER_WORDS, SECTIONS, Frontend


def module_of(name: str) -> ModuleType:
    """The module of ``kshell.commands`` that defines the command ``name``."""
    return import_module(f"kshell.commands.{COMMANDS[name].module}")


_WHERE: dict[Frontend, str] = {"line": "on the command line", "shell": "in the shell", "script": "in a script"}


class Commands(click.Group):
    """The commands that ``frontend`` understands. Their modules are imported on demand."""

    context_class = HelpContext

    def __init__(self, *args: Any, frontend: Frontend, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.frontend = frontend
        self.names = [name for name, entry in COMMANDS.items() if frontend in entry.frontends]

    @property
    def sections(self) -> dict[str, list[str]]:
        """The names of the commands by the sections of the help."""
        sections = {title: [name for name in entries if name in self.names] for title, entries in SECTIONS.items()}
        return {title: names for title, names in sections.items() if names}

    @staticmethod
    def find(name: str) -> Command:
        """The command ``name`` of the table, for any frontend."""
        defined = (value for value in vars(module_of(name)).values() if isinstance(value, Command))
        return next(command for command in defined if command.name == name)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of the commands, in the order of the help."""
        return self.names

    def get_command(self, ctx: click.Context, cmd_name: str) -> Command | None:  # noqa: ARG002 - click's signature
        """The command ``cmd_name``; None if ``frontend`` does not understand it."""
        return self.find(cmd_name) if cmd_name in self.names else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does, but raise ``KshellError`` with a hint for an unknown command."""
        if args and args[0] not in self.names and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise self._refusal(args[0])
        return super().resolve_command(ctx, args)

    def _refusal(self, name: str) -> KshellError:
        """The error for a name that is not a command of this frontend, with a hint of what to type."""
        error = ScriptError if self.frontend == "script" else UsageError
        if name in COMMANDS:
            frontends = COMMANDS[name].frontends
            usages = ", or ".join(f"{_usage(name, frontend)} {_WHERE[frontend]}" for frontend in frontends)
            return error(f"{name} cannot be used {_WHERE[self.frontend]}", hint=f"type {usages}")
        from kshell.api.authentication.fields import FIELDS

        variable, equals, _ = name.partition("=")
        if variable and (equals or any(field.variable == variable for field in FIELDS)):
            # the message leaves out the value, which may be a key
            hint = f"{'kshell send' if self.frontend == 'line' else 'set'} {variable}=…"
            return error(f"{variable + equals!r} is not a command", hint=hint)
        hint = OTHER_WORDS.get(name) or did_you_mean(name, self.names)
        return error(f"there is no command {name!r}", hint=hint or "kshell help lists the commands")

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage. In the shell and in scripts a command has no program before it."""
        formatter.write_usage(
            ctx.command_path or self.collect_usage_pieces(ctx)[0], " ".join(self.collect_usage_pieces(ctx))
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the commands by section, each with the first sentence of its help."""
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.find(name).get_short_help_str(90)) for name in names])


def _usage(name: str, frontend: Frontend) -> str:
    """A command with its arguments, without options, as ``frontend`` writes it: ``kshell trust FILE``."""
    params, context = Commands.find(name).params, click.Context(commands_of(frontend))
    arguments = [param.make_metavar(context) for param in params if isinstance(param, click.Argument)]
    return " ".join([*(["kshell"] if frontend == "line" else []), name, *arguments])


@cache
def commands_of(frontend: Frontend) -> Commands:
    """The click group of ``frontend``."""
    return Commands(
        "kshell",
        frontend=frontend,
        callback=_root.callback,
        params=_parameters(frontend),
        invoke_without_command=True,
        add_help_option=False,
        help=_root.help,
        context_settings={"max_content_width": 100},
    )


def _parameters(frontend: Frontend) -> list[click.Parameter]:
    if frontend == "script":
        return [HELP]
    own = [*_root.params, *common_options(hidden=False)] if frontend == "line" else []
    return [*own, _VERSION, HELP]


_VERSION = printing(["--version"], lambda _: f"kshell {__version__}", "Show the version and exit.")


@click.command
@who_and_where  # kshell alone starts the shell
@click.pass_context
def _root(context: click.Context, /, overrides: Overrides) -> Result:
    """Render, check, preview and send WhatsApp one-time passwords by Kaleyra's API.

    Without an account of your own, start with: kshell send to=+919812345678
    """
    given = " ".join(f"{option} {name}" for option, name in zip(("-a", "-p", "-t"), overrides, strict=False) if name)
    if context.invoked_subcommand is not None or (given and not at_terminal()):
        if given:
            hint = f"kshell {context.invoked_subcommand or 'send'} {given}"
            raise UsageError("before a command, -a, -p and -t have no use: they are for the shell", hint=hint)
        return Result()
    if at_terminal():
        started: Result = module_of("shell").start(session_of(context), overrides)
        return started
    if sys.stdin is None:
        raise UsageError("stdin is closed, and no command is given", hint="kshell help lists the commands")
    if sys.stdin.isatty():
        return Result(context.get_help() + "\n")
    ran: Result = module_of("run").run_stdin(context)
    return ran


def at_terminal() -> bool:
    """Whether stdin and stdout are both a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
