"""The text of prompt and toolbar: account, pod, template, whether people get a message, missing variables, the last send."""

from typing import NamedTuple

from prompt_toolkit.formatted_text import StyleAndTextTuples

from kshell.core.errors import KshellError, Note
from kshell.core.terminal import cut, note_lines
from kshell.session.session import Session

_MOST_NAME = 24
_MOST_FAULT = 200


class Status(NamedTuple):
    """``environment`` is ``live``, ``local``, ``simulated`` or ``unknown``. ``fault`` is why no line can send, or ``""``.

    ``source`` is the setting that chose the account; empty if a line chose it, or nothing did.
    """

    account: str
    pod: str
    template: str
    environment: str
    missing: tuple[str, ...] = ()
    last: str = ""
    last_delivery: str = ""
    fault: str = ""
    source: str = ""


UNKNOWN = Status("?", "?", "?", "unknown")


def status_of(session: Session) -> Status:
    """Return the status of a session. Never raises: a faulty or missing file is the ``fault``."""
    last, delivery = _last(session)
    known = Status(session.account, session.pod or "?", session.template or "?", "unknown")
    known = known._replace(last=last, last_delivery=delivery, source=session.account_source)
    try:
        pod, template = session.current_pod(), session.current_template()
        missing = tuple(name for name, _, source in session.table() if source == "missing")
    except Exception as error:  # noqa: BLE001 - a bug must not end the session
        bug = Note("error", f"kshell failed: {type(error).__name__}")
        return known._replace(fault=note_lines(error.note if isinstance(error, KshellError) else bug)[0][:_MOST_FAULT])
    environment = "live" if pod.live else "simulated" if pod.embedded else "local"
    return known._replace(pod=pod.name, template=template.name, environment=environment, missing=missing)


def _last(session: Session) -> tuple[str, str]:
    """Return the last answer in a few words, and its delivery; both empty if nothing was sent."""
    if not session.sent:
        return "", ""
    from kshell.transport.exchange_text import short_line

    exchange = session.sent[-1].exchange
    return short_line(exchange), str(exchange.delivery)


def prompt(status: Status) -> StyleAndTextTuples:
    """Return the prompt: ``demo@sandbox auth> ``. For a live pod, ``LIVE`` stands before it."""
    who = f"{cut(status.account, _MOST_NAME)}@{cut(status.pod, _MOST_NAME)}"
    live: StyleAndTextTuples = [("class:live", " LIVE ")] if status.environment == "live" else []
    return [
        *live,
        (f"class:prompt.{status.environment}", f"{' ' if live else ''}{who}"),
        ("", f" {cut(status.template, _MOST_NAME)}> "),
    ]


def toolbar(status: Status, width: int, mode: str = "") -> StyleAndTextTuples:
    """Return the whole status in lines of at most ``width`` columns. ``mode`` is the mode of vi, or ``""``."""
    segments = [
        (f"class:environment.{status.environment}", f" {status.environment.upper()} "),
        ("", f" {cut(status.account, _MOST_NAME)}@{cut(status.pod, _MOST_NAME)} "),
        *([("", f" account: {status.source} ")] if status.source else []),
        ("", f" {cut(status.template, _MOST_NAME)} "),
        _readiness(status),
        (f"class:last.{status.last_delivery or 'none'}", f" last: {status.last or 'nothing sent'} "),
    ]
    if mode:
        segments.append(("class:mode", f" {mode} "))
    return _wrapped(segments, width)


def _readiness(status: Status) -> tuple[str, str]:
    if status.fault:
        return "class:missing", f" {status.fault} "
    return ("class:missing", f" missing: {' '.join(status.missing)} ") if status.missing else ("", " ready ")


def _wrapped(segments: list[tuple[str, str]], width: int) -> StyleAndTextTuples:
    """Return the segments in lines of at most ``width`` columns; a segment that is longer is cut."""
    shown: StyleAndTextTuples = []
    used = 0
    for style, whole in segments:
        text = whole if len(whole) <= width else f"{whole[: max(1, width - 2)]}… "
        if used and used + len(text) > width:
            shown.append(("", "\n"))
            used = 0
        shown.append((style, text))
        used += len(text)
    return shown
