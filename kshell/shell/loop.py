"""The loop: read a line, run it through the one dispatch, show what it came to, until ``exit`` or Ctrl-D.

Nothing that goes wrong on the way ends it: Ctrl-C gives up the line or the send, a fault of ours is told in two lines.
"""

from __future__ import annotations

import os
import traceback
from functools import cached_property
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import DynamicCompleter
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from kshell import cli
from kshell.commands import Result
from kshell.dispatch import Performed, failure, perform_line
from kshell.errors import EXIT_DONE, KshellError
from kshell.preferences import Preferences, load_preferences
from kshell.shell import history, status

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPressEvent

    from kshell.session import Session
    from kshell.shell.outlets import Outlet

_STYLE = {
    "live": "bg:ansired fg:ansiwhite bold",
    "prompt.live": "ansired bold",
    "prompt.simulated": "ansigreen",
    "prompt.local": "ansiyellow",
    "prompt.unknown": "ansired",
    "mood.live": "bg:ansired fg:ansiwhite bold",
    "mood.simulated": "bg:ansigreen fg:ansiblack",
    "mood.local": "bg:ansiyellow fg:ansiblack",
    "missing": "bold",
    "bottom-toolbar": "noreverse",
    "mode": "bold",
}
_WARM = (
    "kshell.client",
    "kshell.simulator",
    "kshell.jinja",
    "kshell.responses",
    "kshell.exchanges",
    "pygments.lexers.data",
)


def run(session: Session) -> int:
    """The shell, from the first prompt to the last; what is wrong with the preferences is said, and the defaults hold."""
    try:
        preferences = load_preferences(session.places)
    except KshellError as error:
        cli.show(Result(notes=error.lines()))
        preferences = Preferences()
    return Loop(session, preferences).run()


class Loop:
    """A session at a terminal."""

    def __init__(self, session: Session, preferences: Preferences) -> None:
        self.session = session
        self.preferences = preferences
        self.status = status.UNKNOWN
        self.prompts = self._prompts()
        self._warmed = False
        session.confirm = self.confirm
        session.asks = preferences.asks

    def run(self) -> int:
        """Read and run lines until the end."""
        while not self.session.left:
            self.status = status.status_of(self.session)
            try:
                self.take(self.prompts.prompt())
            except KeyboardInterrupt:
                continue
            except EOFError:
                break
        return EXIT_DONE

    def take(self, text: str) -> None:
        """Run what was typed, or each line of what was pasted until one fails."""
        lines = joined(text)
        for number, line in enumerate(lines, 1):
            if len(lines) > 1:
                cli.show(Result(notes=[f"» {line}"]), colour=self.preferences.colour)
            code = self.perform(line)
            if code != EXIT_DONE and number < len(lines):
                left = len(lines) - number
                cli.show(Result(notes=[f"stopped here: {left} more {'line' if left == 1 else 'lines'} not run"]))
                return

    def perform(self, line: str) -> int:
        """Run one line, show what it came to or put it where the line says, and return its exit code."""
        from kshell.shell import outlets

        try:
            command, outlet = outlets.parted(line, self.session.names())
            command = command.lstrip().removeprefix("kshell ")  # hints and documents write it in front
            done = perform_line(command, mouth="shell", session=self.session, file="line")
            return self._show(done, outlet)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - no fault of ours ends the session
            return cli.show(_told(error, self.session), colour=self.preferences.colour)

    def _show(self, done: Performed, outlet: Outlet | None) -> int:
        colour = self.preferences.colour if done.colour is None else done.colour
        if outlet is None:
            return cli.show(done.result, colour=colour)
        cli.show(done.result._replace(output=""), colour=colour)
        if done.result.output or done.result.exit_code == EXIT_DONE:  # a failure without output must not empty a file
            cli.show(Result(notes=outlet.pour(done.result.output)), colour=colour)
        return done.result.exit_code

    def confirm(self, question: str) -> bool:
        """Ask, with no as the answer of Enter, Ctrl-C and Ctrl-D."""
        asking: PromptSession[str] = PromptSession(erase_when_done=False)
        try:
            return asking.prompt(f"{question} [y/N] ").strip().lower() in ("y", "yes")
        except (KeyboardInterrupt, EOFError):
            return False

    # ---- what prompt_toolkit is given

    def _prompts(self) -> PromptSession[str]:
        prompts: PromptSession[str] = PromptSession(
            message=lambda: status.prompt(self.status),
            bottom_toolbar=self._toolbar,
            prompt_continuation="… ",
            completer=DynamicCompleter(lambda: self._completer),
            complete_in_thread=True,
            history=history.PrivateHistory(self.session.places.user / history.FILE, self._secrets),
            auto_suggest=AutoSuggestFromHistory(),
            key_bindings=_bindings(),
            editing_mode=EditingMode.VI if self.preferences.keys == "vi" else EditingMode.EMACS,
            color_depth={True: ColorDepth.DEPTH_4_BIT, False: ColorDepth.DEPTH_1_BIT}.get(self.preferences.colour),  # type: ignore[arg-type]
            style=Style.from_dict(_STYLE),
            include_default_pygments_style=False,
            enable_open_in_editor=True,
        )
        prompts.app.after_render += self._warm
        return prompts

    @cached_property
    def _completer(self) -> Completer:
        from kshell.shell.completer import CommandCompleter

        return CommandCompleter(self.session)

    def _secrets(self) -> list[str]:
        from kshell.masking import secret_values

        return secret_values(self.session.variables)

    def _toolbar(self) -> StyleAndTextTuples:
        app = self.prompts.app
        mode = ""
        if app.editing_mode == EditingMode.VI:
            mode = f"vi {app.vi_state.input_mode.value.removeprefix('vi-')}"
        return status.toolbar(self.status, app.output.get_size().columns, mode)

    def _warm(self, _: Application[Any]) -> None:
        """Once the prompt shows, import what the first send needs, so that it does not wait for it."""
        if self._warmed:
            return
        self._warmed = True
        from threading import Thread

        Thread(target=_import_all, daemon=True).start()


def joined(text: str) -> list[str]:
    r"""The lines of what was typed or pasted; one that ends in ``\`` goes on in the next; empty ones are left out."""
    whole = text.replace("\\\n", " ")
    return [line for line in whole.split("\n") if line.strip()]


def _told(error: BaseException, session: Session) -> Result:
    """A fault as a result, its traceback too where it was asked for."""
    if os.environ.get("KSHELL_DEBUG"):
        return Result(notes=traceback.format_exception(error), exit_code=1)
    return failure(error, session)


def _import_all() -> None:
    from importlib import import_module

    for name in _WARM:
        import_module(name)


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter", filter=_goes_on())
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings


def _goes_on() -> Any:
    """Whether the line ends in a backslash that joins it with the next."""
    from prompt_toolkit.application import get_app
    from prompt_toolkit.filters import Condition, is_searching

    return Condition(lambda: get_app().current_buffer.document.text_before_cursor.endswith("\\")) & ~is_searching
