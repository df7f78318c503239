"""Reports of a run: JUnit XML, TAP, JSON, and one page of HTML. No report contains a key, a code or a full phone number.

Each report is a function from a ``Run`` to text. ``REPORTS`` has them by name.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary
from xml.etree import ElementTree as ET

from kshell import __version__
from kshell.core.errors import EXIT_REFUSED, KshellError
from kshell.core.json_text import dumps
from kshell.core.models import first_error
from kshell.core.terminal import note_lines, safe, safe_line
from kshell.privacy.privacy import Privacy
from kshell.privacy.sources import named_values
from kshell.syntax.lines import typed_words
from kshell.transport.exchange_text import document_of, status_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kshell.core.errors import Note
    from kshell.core.models import Finding, Json
    from kshell.privacy.values import Private
    from kshell.scripts.runs import Run
    from kshell.scripts.script_run import Case, Step
    from kshell.syntax.lines import Line

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


# ---- what is private in a case

_PRIVACY_OF_CASES: WeakKeyDictionary[Case, Privacy] = WeakKeyDictionary()


def _privacy(case: Case) -> Privacy:
    """Return the private values of a case. They are cached, because every report needs them several times."""
    if case not in _PRIVACY_OF_CASES:
        cases = [*case.with_nested()]
        lines = [step.line for known in cases for step in known.steps]
        ids = {exchange.answer.message_id for known in cases for exchange in known.exchanges()}
        values = [value for known in cases for value in _values(known)]
        _PRIVACY_OF_CASES[case] = Privacy(
            values, message_ids=ids, typed=[pair for line in lines for pair in _typed(line)]
        )
    return _PRIVACY_OF_CASES[case]


def _values(case: Case) -> Iterator[Private]:
    """Yield the private values of the session, and those of the row and the lines, which may be in no draft."""
    yield from case.session.privacy().values if case.session else ()
    given = case.row.cells.items() if case.row else ()
    for name, text in (*given, *(pair for step in case.steps for pair in _assigned(step.line))):
        yield from named_values(name, text)


def _assigned(line: Line) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of every variable that a line sets to a plain text, also by ``otp CODE``."""
    with suppress(KshellError):
        words = line.words() if line.head not in ("expect", "capture") else []
        plain = [word.plain for word in words if not word.computed]
        yield from (("otp", text) for text in plain[1:2] if plain[0] == "otp" and text != "new")
        for name, equals, text in (text.partition("=") for text in plain):
            if equals and name.isidentifier():
                yield name, text


def _typed(line: Line) -> Iterator[tuple[str, str]]:
    """Yield each word of a line, as typed and without its quotes."""
    with suppress(KshellError):
        words = line.words()
        yield from zip(typed_words(line.text)[-len(words) :], (word.plain for word in words), strict=True)


# ---- a case, masked


class MaskedStep(NamedTuple):
    """A step without private values. ``place`` is ``FILE:LINE``; ``failure`` has the lines that explain a failure."""

    place: str
    line: str
    passed: bool
    exit_code: int
    seconds: float
    status: str
    exchange: dict[str, Json] | None
    failure: tuple[str, ...]


def masked_steps(case: Case) -> list[MaskedStep]:
    """Return the steps of a case, masked."""
    privacy = _privacy(case)
    return [_masked_step(step, privacy) for step in case.steps]


def _masked_step(step: Step, privacy: Privacy) -> MaskedStep:
    exchange = step.sent.exchange if step.sent else None
    data = privacy.mask_json(document_of(step.sent)) if step.sent else None
    return MaskedStep(
        place=f"{privacy.mask_name(step.line.file)}:{step.line.number}",
        line=privacy.mask(safe(privacy.mask(step.line.text))),
        passed=not step.failed,
        exit_code=step.result.exit_code,
        seconds=round(step.seconds, 4),
        status=privacy.mask(status_line(exchange)) if exchange else "",
        exchange=data if isinstance(data, dict) else None,
        failure=tuple(_lines(step.result.notes, privacy)) if step.failed else (),
    )


def failure_of(case: Case) -> list[str]:
    """Return the masked lines that explain why a case failed; empty if it did not fail."""
    return _lines(case.failure, _privacy(case))


def _lines(notes: Sequence[Note | Finding], privacy: Privacy) -> list[str]:
    return [privacy.mask(line) for note in notes for line in note_lines(note.masked(privacy.mask))]


def _name(case: Case) -> str:
    return _privacy(case).mask_name(case.name)


def _script(case: Case) -> str:
    return _privacy(case).mask_name(case.script.name)


def _reason(case: Case) -> str:
    """Return why a case failed, in one line."""
    error, mask = first_error(case.failure), _privacy(case).mask
    return mask(safe_line(error.masked(mask).headline)) if error else case.verdict


# ---- JSON


def as_json(run: Run) -> str:
    """Return the whole run as JSON: each case with its lines, requests, answers and explanations."""
    cases: list[Json] = [_case_data(case) for case in run.cases]
    return (
        dumps({"kshell": __version__, "exit_code": run.exit_code, "seconds": round(run.seconds, 3), "cases": cases})
        + "\n"
    )


def _case_data(case: Case) -> Json:
    steps: list[Json] = [{**step._asdict(), "failure": list(step.failure)} for step in masked_steps(case)]
    return {
        "name": _name(case),
        "script": _script(case),
        "row": case.row.number if case.row else None,
        "state": case.state,
        "exit_code": case.exit_code,
        "seconds": round(case.seconds, 4),
        "deliveries": [str(delivery) for delivery in case.deliveries],
        "failure": [*failure_of(case)],
        "steps": steps,
    }


# ---- TAP


def as_tap(run: Run) -> str:
    """Return the report as TAP version 14. A case that was not run is skipped."""
    lines = ["TAP version 14", f"1..{len(run.cases)}"]
    for number, case in enumerate(run.cases, 1):
        name = re.sub(r"([\\#])", r"\\\1", _name(case))
        skip = " # SKIP not run" if case.state == "not run" else ""
        ok = "ok" if case.state in ("passed", "not run") else "not ok"
        lines.append(f"{ok} {number} - {name}{skip}")
        if ok == "not ok":
            details = {"verdict": case.verdict, "failure": "\n".join(failure_of(case))}
            lines += ["  ---", *(f"  {key}: {json.dumps(value)}" for key, value in details.items()), "  ..."]
    return "\n".join(lines) + "\n"


# ---- JUnit


def as_junit(run: Run) -> str:
    """Return JUnit XML for Jenkins, GitLab and others: a suite for each script, a test case for each run of it."""
    scripts = dict.fromkeys(_script(case) for case in run.cases)
    root = ET.Element("testsuites", _counts(run.cases, "kshell run", run.seconds))
    for name in scripts:
        cases = [case for case in run.cases if _script(case) == name]
        counts = _counts(cases, name, sum(case.seconds for case in cases))
        suite = ET.SubElement(root, "testsuite", {**counts, "skipped": str(_count(cases, _is_skipped))})
        for case in cases:
            _junit_case(suite, case)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _junit_case(suite: ET.Element, case: Case) -> None:
    name = _xml(f"row {case.row.number}" if case.row else _script(case))
    seconds = f"{case.seconds:.3f}"
    element = ET.SubElement(suite, "testcase", {"name": name, "classname": _xml(_script(case)), "time": seconds})
    if _is_skipped(case):
        ET.SubElement(element, "skipped", {"message": "not run"})
    elif case.state != "passed":
        kind = "failure" if _is_failure(case) else "error"
        attributes = {"message": _xml(_reason(case)), "type": f"exit {case.exit_code}"}
        ET.SubElement(element, kind, attributes).text = _xml("\n".join(failure_of(case)))
    lines = (
        f"{step.place}  {step.line}" + (f"  -> {step.status}" if step.status else "") for step in masked_steps(case)
    )
    ET.SubElement(element, "system-out").text = _xml("\n".join(lines))


def _counts(cases: Sequence[Case], name: str, seconds: float) -> dict[str, str]:
    failures, errors = _count(cases, _is_failure), _count(cases, _is_error)
    counts = {"tests": len(cases), "failures": failures, "errors": errors}
    return {"name": _xml(name), **{key: str(count) for key, count in counts.items()}, "time": f"{seconds:.3f}"}


def _count(cases: Sequence[Case], matches: Callable[[Case], bool]) -> int:
    return sum(map(matches, cases))


def _is_skipped(case: Case) -> bool:
    return case.state == "not run"


def _is_failure(case: Case) -> bool:
    """Whether an ``expect`` failed or the API refused. Any other fault is an error."""
    return case.state == "failed" and case.exit_code == EXIT_REFUSED


def _is_error(case: Case) -> bool:
    return case.state != "passed" and not _is_skipped(case) and not _is_failure(case)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


# ---- HTML

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; --soft: #8882; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; }
.sum { margin: .25rem 0 1.5rem; }
.passed { color: var(--good); } .failed, .interrupted { color: var(--bad); }
details.case { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: .5rem 1rem; }
details.case > summary { cursor: pointer; display: flex; gap: 1rem; align-items: baseline; }
details.case > summary b { flex: 1; overflow-wrap: anywhere; }
pre { background: var(--soft); border-radius: .4rem; padding: .6rem .8rem; overflow-x: auto; margin: .4rem 0;
  font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.bad { border-left: 4px solid var(--bad); }
ol { list-style: none; padding: 0; margin: .5rem 0; }
li { border-top: 1px solid var(--line); padding: .35rem 0; }
.step { display: grid; grid-template-columns: 1.2rem 9rem 1fr auto; gap: .6rem; align-items: baseline; }
.step code { overflow-wrap: anywhere; font-size: 14px; }
.place, .time { opacity: .7; font-size: 13px; overflow-wrap: anywhere; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 0 1rem; }
.two > div { min-width: 0; }
summary { cursor: pointer; }
""".strip()


def as_html(run: Run) -> str:
    """Return one self-contained page: each step with its request, answer, timing and failure."""
    from kshell.scripts.runs import summary

    total = escape(summary(run)[-1])
    cases = "\n".join(map(_html_case, run.cases))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>kshell run</title>\n<style>\n{_STYLE}\n</style></head>\n<body>\n"
        f'<h1>kshell run</h1>\n<p class="sum">{total}</p>\n{cases}\n</body></html>\n'
    )


def _html_case(case: Case) -> str:
    opened = " open" if case.state not in ("passed", "not run") else ""
    steps = "\n".join(map(_html_step, masked_steps(case)))
    failure = (
        f'<pre class="bad">{escape(chr(10).join(failure_of(case)))}</pre>' if case.failure and not case.steps else ""
    )
    css = case.state.replace(" ", "-")
    verdict = (
        f'<span class="{css}">{escape(case.verdict)}</span> <span class="time">{case.seconds * 1000:.0f} ms</span>'
    )
    return (
        f'<details class="case"{opened}><summary><b>{escape(_name(case))}</b> {verdict}</summary>{failure}'
        f"<ol>\n{steps}\n</ol></details>"
    )


def _html_step(step: MaskedStep) -> str:
    sign, css = ("✓", "passed") if step.passed else ("✗", "failed")
    failure = f'<pre class="bad">{escape(chr(10).join(step.failure))}</pre>' if step.failure else ""
    return (
        f'<li><div class="step"><span class="{css}">{sign}</span><span class="place">{escape(step.place)}</span>'
        f'<code>{escape(step.line)}</code><span class="time">{step.seconds * 1000:.0f} ms</span></div>'
        f"{_html_exchange(step)}{failure}</li>"
    )


def _html_exchange(step: MaskedStep) -> str:
    if step.exchange is None:
        return ""
    explanation = step.exchange["explanation"]
    meaning = explanation.get("meaning", "") if isinstance(explanation, dict) else ""
    blocks = "".join(
        f"<div>{title}<pre>{escape(dumps(step.exchange[key]))}</pre></div>"
        for key, title in (("request", "Request"), ("response", "Answer"))
    )
    return (
        f"<details><summary>{escape(step.status)}</summary><p>{escape(str(meaning))}</p>"
        f'<div class="two">{blocks}</div></details>'
    )


REPORTS: dict[str, Callable[[Run], str]] = {"junit": as_junit, "json": as_json, "html": as_html, "tap": as_tap}
