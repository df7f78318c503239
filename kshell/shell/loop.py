"""The loop: show the prompt, read a line and run it, until ``exit`` or Ctrl-D.

``running`` and ``completer`` are imported once the prompt shows.
"""

from __future__ import annotations

import sys
from functools import cached_property
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory, Suggestion
from prompt_toolkit.completion import Completer, DynamicCompleter
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from kshell.core.errors import EXIT_DONE, EXIT_INTERRUPTED, KshellError, Note
from kshell.core.models import Finding, Result
from kshell.core.signals import asked_to_end
from kshell.core.terminal import columns_of, paint, wants_colour, wrapped
from kshell.profiles.files import Places
from kshell.profiles.preferences import FILE, Preferences, load_preferences
from kshell.session.session import NO_OVERRIDES, Overrides, Session
from kshell.shell import history, status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from kshell.shell.running import Shell

_GREETING = "help lists the commands; Tab completes; exit or Ctrl-D ends"
_STYLE = {
    "live": "bg:ansired fg:ansiwhite bold",
    "prompt.live": "ansired bold",
    "prompt.simulated": "ansigreen",
    "prompt.local": "ansiyellow",
    "prompt.unknown": "ansired",
    "environment.live": "bg:ansired fg:ansiwhite bold",
    "environment.simulated": "bg:ansigreen fg:ansiblack",
    "environment.local": "bg:ansiyellow fg:ansiblack",
    "missing": "bold",
    "last.accepted": "ansigreen",
    "last.refused": "ansired",
    "last.not-sent": "ansired",
    "last.unknown": "ansiyellow",
    "bottom-toolbar": "noreverse",
    "mode": "bold",
}
_PRELOADED = (
    "kshell.shell.running",
    "kshell.shell.completer",
    "kshell.privacy.history_lines",
    "kshell.console.completion",
    "kshell.transport.client",
    "kshell.simulator.simulator",
    "kshell.templating.program",
    "kshell.api.endpoints",
    "kshell.transport.exchange_text",
    "pygments.lexers.data",
)


def run(session: Session | None = None, chosen: Overrides = NO_OVERRIDES, *, colour: bool | None = None) -> int:
    """Run the shell until it ends, and return its exit code. Faulty preferences are reported; the defaults apply then.

    ``chosen`` is what the session begins with. ``colour`` is ``--color``, which replaces the preference.
    Raises ``ProfileError`` and ``TemplateError`` for a name that it cannot use, ``UsageError`` if ``KSHELL_HOME`` is no folder.
    """
    session = session or Session(Places.standard())
    try:
        preferences = load_preferences(session.places)
    except KshellError as error:
        from kshell.shell.running import show_notes

        show_notes([error.note], colour=colour)
        preferences = Preferences()
    if colour is not None:
        preferences = preferences._replace(color="always" if colour else "never")
    if chosen.account:
        session.use_account(session.current_account(chosen).name)
    elif preferences.account and not session.account_source:
        session.use_account(preferences.account, source=FILE)
    if chosen.pod:
        session.pod = session.current_pod(chosen).name
    if chosen.template:
        session.template = session.current_template(chosen).name
    return Loop(session, preferences).run()


class Loop:
    """The prompt of one session, and the loop that reads its lines."""

    def __init__(self, session: Session, preferences: Preferences) -> None:
        self.session = session
        self.preferences = preferences
        self.status = status.UNKNOWN
        self.prompts = self._prompts()
        self._preloaded = False

    def run(self) -> int:
        """Greet, then read and run lines until the end. Return the exit code."""
        self._greet()
        ended = False
        while not (ended or asked_to_end()):
            self.status = status.status_of(self.session)
            try:
                self._shell.take(self.prompts.prompt())
                ended = self._shell.ended
            except KeyboardInterrupt:
                continue
            except EOFError:
                break
        return EXIT_INTERRUPTED if asked_to_end() else EXIT_DONE

    def _greet(self) -> None:
        if sys.stdout.isatty():
            colour = wants_colour(sys.stdout, chosen=self.preferences.colour)
            source = self.session.account_source
            chosen = f"account {self.session.account}, from {source}\n" if source else ""
            sys.stdout.write(paint(f"{chosen}{_GREETING}", "dim", colour=colour) + "\n")
            sys.stdout.flush()  # prompt_toolkit does not write through this buffer

    @cached_property
    def _shell(self) -> Shell:
        from kshell.shell.running import Shell

        shell = Shell(self.session, self.preferences.colour)
        shell.confirm, shell.asks = self.confirm, self.preferences.asks
        return shell

    def confirm(self, question: str, notes: Sequence[Note | Finding]) -> bool:
        """Show the notes, then ask a yes-or-no question. Enter, Ctrl-C and Ctrl-D mean no."""
        from kshell.console import printer

        prompts: PromptSession[str] = PromptSession(erase_when_done=False)
        *above, last = wrapped(f"{question} [y/N]", columns_of(sys.stdout) - 4)  # four columns for the answer
        printer.show(Result(notes=[*notes, *(Note("info", line) for line in above)]), colour=self.preferences.colour)
        try:
            return prompts.prompt(f"{last} ").strip().lower() in ("y", "yes")
        except (KeyboardInterrupt, EOFError):
            return False

    # ---- the prompt

    def _prompts(self) -> PromptSession[str]:
        prompts: PromptSession[str] = PromptSession(
            message=lambda: status.prompt(self.status),
            bottom_toolbar=self._toolbar,
            prompt_continuation=lambda _width, _line, wraps: "" if wraps else "… ",
            completer=DynamicCompleter(lambda: self._completer),
            complete_in_thread=True,
            history=history.PrivateHistory(self.session),
            auto_suggest=_Suggestions(),
            enable_suspend=True,
            key_bindings=_bindings(),
            editing_mode=EditingMode.VI if self.preferences.keys == "vi" else EditingMode.EMACS,
            color_depth={True: ColorDepth.DEPTH_4_BIT, False: ColorDepth.DEPTH_1_BIT}.get(self.preferences.colour),  # type: ignore[arg-type]
            style=Style.from_dict(_STYLE),
            include_default_pygments_style=False,
            enable_open_in_editor=True,
        )
        prompts.app.after_render += self._preload
        return prompts

    @cached_property
    def _completer(self) -> Completer:
        from kshell.shell.completer import CommandCompleter

        return CommandCompleter(self.session)

    def _toolbar(self) -> StyleAndTextTuples:
        app = self.prompts.app
        mode = ""
        if app.editing_mode == EditingMode.VI:
            mode = f"vi {app.vi_state.input_mode.value.removeprefix('vi-')}"
        return status.toolbar(self.status, app.output.get_size().columns, mode)

    def _preload(self, _: Application[Any]) -> None:
        """Import what the first send needs, in a thread, once the prompt shows."""
        if self._preloaded:
            return
        self._preloaded = True
        Thread(target=lambda: [*map(import_module, _PRELOADED)], daemon=True).start()


class _Suggestions(AutoSuggestFromHistory):
    """The latest line of the history that begins as the typed one, without lines that lack a private value."""

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:
        """Return the rest of that line, or None."""
        from kshell.privacy.history_lines import lacks_value

        text = document.text.rpartition("\n")[2]
        lines = (line for entry in reversed(buffer.history.get_strings()) for line in reversed(entry.splitlines()))
        found = (line for line in lines if line.startswith(text) and not lacks_value(line))
        return Suggestion(next(found, text)[len(text) :]) if text.strip() else None


def _continues() -> bool:
    """Whether Enter continues the line: the text before the cursor ends in a backslash."""
    return get_app().current_buffer.document.text_before_cursor.endswith("\\")


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add(Keys.BracketedPaste)
    def _(event: KeyPressEvent) -> None:
        """Insert a paste without its last line break, behind which every command would be offered."""
        pasted = event.data.replace("\r\n", "\n").replace("\r", "\n")
        event.current_buffer.insert_text(pasted.rstrip("\n"))

    @bindings.add("enter", filter=Condition(_continues) & ~is_searching)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings
