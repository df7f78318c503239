"""What a report may say of a case: its steps, requests, answers and failures, without keys, codes and full numbers."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from kshell.core.errors import KshellError
from kshell.core.models import first_error
from kshell.core.terminal import note_lines, safe, safe_line
from kshell.privacy.json_pieces import JsonPieces
from kshell.privacy.privacy import Privacy
from kshell.privacy.sources import named_values
from kshell.transport.exchange_text import document_of, status_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kshell.core.errors import Note
    from kshell.core.models import Finding
    from kshell.privacy.common_texts import CommonTexts
    from kshell.privacy.values import Private
    from kshell.scripts.script_run import Case, State, Step
    from kshell.syntax.lines import Line


class MaskedStep(NamedTuple):
    """A step without private values. ``place`` is ``FILE:LINE``; ``failure`` has the lines that explain a failure.

    ``exchange`` is a JSON object on one line, or ``null`` if no message was sent.
    """

    place: str
    line: str
    passed: bool
    exit_code: int
    seconds: float
    status: str
    exchange: str
    failure: tuple[str, ...]


class MaskedCase(NamedTuple):
    """A case without private values. ``reason`` says in one line why it failed; ``failure`` explains it in several.

    ``deliveries``, ``earlier`` and ``warnings`` are those of ``Case``.
    """

    name: str
    script: str
    row: int | None
    state: State
    verdict: str
    exit_code: int
    seconds: float
    deliveries: tuple[str, ...]
    earlier: tuple[str, ...]
    warnings: tuple[str, ...]
    reason: str
    failure: tuple[str, ...]
    steps: tuple[MaskedStep, ...]


def masked_case(case: Case, common: CommonTexts) -> MaskedCase:
    """Return what reports may say of ``case``. ``common`` are the texts of the cases before it."""
    privacy = _privacy(case)
    documents = [JsonPieces(document_of(step.sent)) if step.sent else None for step in case.steps]
    statuses = [status_line(step.sent.exchange) if step.sent else "" for step in case.steps]
    texts = {*statuses, *_lines_of(case)}.union(*(document.texts for document in documents if document))
    changed = privacy.learn(texts, common.masks(texts, privacy)) | common.changed if texts else set()
    verdict, failure = case.verdict, case.failure
    error = first_error(failure)
    return MaskedCase(
        name=privacy.mask_name(case.name),
        script=privacy.mask_name(case.script.name),
        row=case.row.number if case.row else None,
        state=case.state,
        verdict=verdict,
        exit_code=case.exit_code,
        seconds=case.seconds,
        deliveries=tuple(map(str, case.deliveries)),
        earlier=case.earlier,
        warnings=tuple(case.warnings),
        reason=privacy.mask(safe_line(error.masked(privacy.mask).headline)) if error else verdict,
        failure=_lines(failure, privacy),
        steps=tuple(
            _masked_step(step, privacy, status, document.masked(privacy, changed) if document else "null")
            for step, status, document in zip(case.steps, statuses, documents, strict=True)
        ),
    )


def _lines_of(case: Case) -> Iterator[str]:
    for step in case.steps:
        yield step.line.text
        yield from (text for _, text in _typed(step.line))


def _masked_step(step: Step, privacy: Privacy, status: str, exchange: str) -> MaskedStep:
    return MaskedStep(
        place=f"{privacy.mask_name(step.line.file)}:{step.line.number}",
        line=privacy.mask(safe(privacy.mask(step.line.text))),
        passed=not step.failed,
        exit_code=step.result.exit_code,
        seconds=round(step.seconds, 4),
        status=privacy.mask(status),
        exchange=exchange,
        failure=_lines(step.said, privacy) if step.failed else (),
    )


def _lines(notes: Sequence[Note | Finding], privacy: Privacy) -> tuple[str, ...]:
    return tuple(privacy.mask(line) for note in notes for line in note_lines(note.masked(privacy.mask)))


# ---- what is private in a case


def _privacy(case: Case) -> Privacy:
    cases = [*case.with_nested()]
    ids = {exchange.answer.message_id for known in cases for exchange in known.exchanges()}
    values = [value for known in cases for value in _values(known)]
    return Privacy(
        values, message_ids=ids, typed=[pair for known in cases for step in known.steps for pair in _typed(step.line)]
    )


def _values(case: Case) -> Iterator[Private]:
    """Yield the private values of the session, and those of the row and the lines, which may be in no draft."""
    settings = case.session.settings if case.session else {}
    yield from case.session.privacy().values if case.session else ()
    cells = case.row.cells.items() if case.row else ()
    replaced = [(name, text) for name, text in cells if settings.get(name) != (text, "row")]
    for name, text in (*replaced, *(pair for step in case.steps for pair in _assigned(step.line))):
        yield from named_values(name, text)


@lru_cache(maxsize=256)  # all rows run the same lines
def _assigned(line: Line) -> list[tuple[str, str]]:
    """Return (name, text) of every variable that a line sets to a plain text, also by ``otp CODE``."""
    with suppress(KshellError):
        words = line.words() if line.head not in ("expect", "capture") else []
        plain = [word.plain for word in words if not word.computed]
        code = [("otp", text) for text in plain[1:2] if plain[0] == "otp" and text != "new"]
        pairs = (text.partition("=") for text in plain)
        return code + [(name, text) for name, equals, text in pairs if equals and name.isidentifier()]
    return []


@lru_cache(maxsize=256)
def _typed(line: Line) -> list[tuple[str, str]]:
    """Return each word of a line that has quotes, as typed and without its quotes."""
    with suppress(KshellError):
        return [(word.typed, word.plain) for word in line.words() if word.typed != word.plain]
    return []
