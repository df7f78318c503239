"""Reports of a run: JUnit XML, TAP, JSON, JSON lines, one page of HTML. None has a key, a code or a full phone number.

A case is masked once, as soon as it has ended. ``REPORTS`` has the kinds that are written at the end of the run, by name.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from kshell import __version__
from kshell.core.errors import EXIT_REFUSED, SetupError
from kshell.core.json_text import one_line, printable
from kshell.privacy.common_texts import CommonTexts
from kshell.profiles.files import open_named, shown
from kshell.scripts.html_report import html_page
from kshell.scripts.masked_case import masked_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from kshell.scripts.masked_case import MaskedCase
    from kshell.scripts.runs import Run
    from kshell.scripts.script_run import Case

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


MOST_CASES = 1000  # in a report; beyond them it has only as many failures


class JsonLines:
    """The report ``jsonl``: each case is a line of ``file`` as soon as it has ended. Raises ``SetupError``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stream = open_named(file)
        self.error: SetupError | None = None  # why a line could not be written

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self._stream.close()

    def write(self, line: str) -> None:
        """Write a line, unless one before could not be written."""
        try:
            if not self.error:
                self._stream.write(line)
                self._stream.flush()
        except OSError as error:
            self.error = SetupError(
                f"{shown(self._file)} cannot be written: {error.strerror}", hint="the rows were run"
            )


class Reports:
    """The reports of one run: those of ``kinds``, and those that are written as cases end."""

    def __init__(self, kinds: Iterable[str], lines: Sequence[JsonLines] = ()) -> None:
        self.lines = lines
        self._kinds = tuple(kinds)
        self._kept: list[tuple[int, MaskedCase]] = []  # with the position in the run
        self._failures = 0
        self._left_out = 0
        self._common = CommonTexts()

    def take(self, case: Case) -> None:
        """Take a case that has ended."""
        kept = bool(self._kinds) and self._is_kept(case)
        self._left_out += not kept
        if not kept and not self.lines:
            return
        masked = masked_case(case, self._common)
        line = f"{_json_case(masked)}\n" if self.lines else ""
        for report in self.lines:
            report.write(line)
        if kept:
            self._kept.append((case.position, masked))

    def _is_kept(self, case: Case) -> bool:
        if len(self._kept) - self._failures < MOST_CASES:
            return True
        failed = bool(case.exit_code) and self._failures < MOST_CASES
        self._failures += failed
        return failed

    def texts(self, run: Run) -> dict[str, str]:
        """Return each report, by its kind."""
        kept = [case for _, case in sorted(self._kept, key=lambda pair: pair[0])]
        left = f"{self._left_out} more cases are not listed, which did not fail or are beyond {MOST_CASES} failures"
        return {kind: REPORTS[kind](run, kept, left if self._left_out else "") for kind in self._kinds}


# ---- JSON


def _json_case(case: MaskedCase) -> str:
    steps = [{**step._asdict(), "exchange": None} for step in case.steps]
    facts = {**case._asdict(), "seconds": round(case.seconds, 4), "steps": steps}
    del facts["verdict"], facts["reason"]
    empty = '"exchange":null'  # a text cannot contain it, because it has its quotes escaped
    first, *rest = printable(one_line(facts)).split(empty)
    return first + "".join(f'"exchange":{step.exchange}{after}' for step, after in zip(case.steps, rest, strict=True))


def _json(run: Run, cases: list[MaskedCase], note: str) -> str:
    """The whole run as JSON: each case with its lines, requests, answers and explanations, one case a line."""
    facts = {"kshell": __version__, "exit_code": run.exit_code, "seconds": round(run.seconds, 3)}
    facts |= {"states": dict(run.tally.states), "note": note} if note else {}
    return f'{json.dumps(facts, indent=2)[:-2]},\n  "cases": [\n' + ",\n".join(map(_json_case, cases)) + "\n  ]\n}\n"


# ---- TAP


def _tap_case(case: MaskedCase) -> tuple[str, str]:
    """``ok`` or ``not ok``, and the text after the number."""
    name = re.sub(r"([\\#])", r"\\\1", case.name)
    if case.state == "passed" or _is_skipped(case):
        return "ok", f"{name}{f' # SKIP {case.verdict}' if _is_skipped(case) else ''}"
    details = {"verdict": case.verdict, "failure": "\n".join(case.failure)}
    lines = (f"  {key}: {json.dumps(value)}" for key, value in details.items())
    return "not ok", "\n".join([name, "  ---", *lines, "  ..."])


def _tap(_: Run, cases: list[MaskedCase], note: str) -> str:
    """The report as TAP version 14. A case that was not run is skipped."""
    lines = (f"{ok} {number} - {text}" for number, (ok, text) in enumerate(map(_tap_case, cases), 1))
    return "\n".join(["TAP version 14", f"1..{len(cases)}", *lines, *([f"# {note}"] if note else [])]) + "\n"


# ---- JUnit


def _junit(run: Run, cases: list[MaskedCase], note: str) -> str:
    """JUnit XML for Jenkins, GitLab and others: a suite for each script, a test case for each run of it."""
    root = ET.Element("testsuites", _counts(cases, f"kshell run: {note}" if note else "kshell run", run.seconds))
    suites: dict[str, list[MaskedCase]] = {}
    for case in cases:
        suites.setdefault(_xml(case.script), []).append(case)
    for name, inside in suites.items():
        counts = _counts(inside, name, sum(case.seconds for case in inside))
        suite = ET.SubElement(root, "testsuite", {**counts, "skipped": str(sum(map(_is_skipped, inside)))})
        suite.extend(map(_junit_case, inside))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _junit_case(case: MaskedCase) -> ET.Element:
    name = _xml(case.script if case.row is None else f"row {case.row}")
    attributes = {"name": name, "classname": _xml(case.script), "time": f"{case.seconds:.3f}"}
    element = ET.Element("testcase", attributes)
    if _is_skipped(case):
        ET.SubElement(element, "skipped", {"message": case.verdict})
    elif case.state != "passed":
        kind = "failure" if _is_failure(case) else "error"
        attributes = {"message": _xml(case.reason), "type": f"exit {case.exit_code}"}
        ET.SubElement(element, kind, attributes).text = _xml("\n".join(case.failure))
    lines = (f"{step.place}  {step.line}" + (f"  -> {step.status}" if step.status else "") for step in case.steps)
    ET.SubElement(element, "system-out").text = _xml("\n".join(lines))
    return element


def _counts(cases: Sequence[MaskedCase], name: str, seconds: float) -> dict[str, str]:
    failures, errors = sum(map(_is_failure, cases)), sum(map(_is_error, cases))
    counts = {"tests": len(cases), "failures": failures, "errors": errors}
    return {"name": _xml(name), **{key: str(count) for key, count in counts.items()}, "time": f"{seconds:.3f}"}


def _is_skipped(case: MaskedCase) -> bool:
    return case.state == "not run" or (case.state == "passed over" and not case.exit_code)


def _is_failure(case: MaskedCase) -> bool:
    """Whether an ``expect`` failed or the API refused. Any other fault is an error."""
    return case.state == "failed" and case.exit_code == EXIT_REFUSED


def _is_error(case: MaskedCase) -> bool:
    return case.state != "passed" and not _is_skipped(case) and not _is_failure(case)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


REPORTS: dict[str, Callable[[Run, list[MaskedCase], str], str]] = {
    "junit": _junit,
    "json": _json,
    "html": html_page,
    "tap": _tap,
}
"""The function that writes each kind: it takes the run, the masked cases in order, and a note on those that are not listed."""
