"""Reports of a run: JUnit XML, TAP, JSON, JSON lines, one page of HTML. None has a key, a code or a full phone number.

A case is masked once, as soon as it has ended, and becomes a piece of each report. ``REPORTS`` has the kinds by name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree as ET

from kshell import __version__
from kshell.core.errors import EXIT_REFUSED
from kshell.core.json_text import dumps
from kshell.scripts.html_report import html_case, html_page
from kshell.scripts.masked_case import masked_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kshell.scripts.masked_case import MaskedCase
    from kshell.scripts.runs import Run
    from kshell.scripts.script_run import Case

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Kind(NamedTuple):
    """A kind of report: ``piece`` turns a case into a part of it, ``whole`` joins the parts, in the order of the cases."""

    piece: Callable[[MaskedCase], Any]
    whole: Callable[[Run, list[Any]], str]


class Reports:
    """The reports of one run, of some ``kinds``."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self._pieces: dict[str, dict[Case, Any]] = {kind: {} for kind in kinds}

    def take(self, case: Case) -> None:
        """Take a case that has ended, once."""
        if any(case not in pieces for pieces in self._pieces.values()):
            masked = masked_case(case)
            for kind, pieces in self._pieces.items():
                pieces[case] = REPORTS[kind].piece(masked)

    def texts(self, run: Run) -> dict[str, str]:
        """Return each report, by its kind."""
        for case in run.cases:
            self.take(case)
        return {
            kind: REPORTS[kind].whole(run, [pieces[case] for case in run.cases])
            for kind, pieces in self._pieces.items()
        }


# ---- JSON


def _json_case(case: MaskedCase) -> str:
    facts = {**case._asdict(), "seconds": round(case.seconds, 4), "steps": [step._asdict() for step in case.steps]}
    del facts["verdict"], facts["reason"]
    return dumps(facts, indent=None)


def _json(run: Run, cases: list[str]) -> str:
    """The whole run as JSON: each case with its lines, requests, answers and explanations, one case a line."""
    facts = {"kshell": __version__, "exit_code": run.exit_code, "seconds": round(run.seconds, 3)}
    return f'{json.dumps(facts, indent=2)[:-2]},\n  "cases": [\n' + ",\n".join(cases) + "\n  ]\n}\n"


# ---- TAP


def _tap_case(case: MaskedCase) -> tuple[str, str]:
    """``ok`` or ``not ok``, and the text after the number."""
    name = re.sub(r"([\\#])", r"\\\1", case.name)
    if case.state == "passed" or _is_skipped(case):
        return "ok", f"{name}{f' # SKIP {case.verdict}' if _is_skipped(case) else ''}"
    details = {"verdict": case.verdict, "failure": "\n".join(case.failure)}
    lines = (f"  {key}: {json.dumps(value)}" for key, value in details.items())
    return "not ok", "\n".join([name, "  ---", *lines, "  ..."])


def _tap(_: Run, cases: list[tuple[str, str]]) -> str:
    """The report as TAP version 14. A case that was not run is skipped."""
    lines = (f"{ok} {number} - {text}" for number, (ok, text) in enumerate(cases, 1))
    return "\n".join(["TAP version 14", f"1..{len(cases)}", *lines]) + "\n"


# ---- JUnit


def _junit(run: Run, cases: list[ET.Element]) -> str:
    """JUnit XML for Jenkins, GitLab and others: a suite for each script, a test case for each run of it."""
    root = ET.Element("testsuites", _counts(run.cases, "kshell run", run.seconds))
    suites: dict[str, list[tuple[Case, ET.Element]]] = {}
    for case, element in zip(run.cases, cases, strict=True):
        suites.setdefault(element.attrib["classname"], []).append((case, element))
    for name, members in suites.items():
        inside = [case for case, _ in members]
        counts = _counts(inside, name, sum(case.seconds for case in inside))
        suite = ET.SubElement(root, "testsuite", {**counts, "skipped": str(sum(map(_is_skipped, inside)))})
        suite.extend(element for _, element in members)
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


def _counts(cases: Sequence[Case], name: str, seconds: float) -> dict[str, str]:
    failures, errors = sum(map(_is_failure, cases)), sum(map(_is_error, cases))
    counts = {"tests": len(cases), "failures": failures, "errors": errors}
    return {"name": _xml(name), **{key: str(count) for key, count in counts.items()}, "time": f"{seconds:.3f}"}


def _is_skipped(case: Case | MaskedCase) -> bool:
    return case.state == "not run" or (case.state == "passed over" and not case.exit_code)


def _is_failure(case: Case | MaskedCase) -> bool:
    """Whether an ``expect`` failed or the API refused. Any other fault is an error."""
    return case.state == "failed" and case.exit_code == EXIT_REFUSED


def _is_error(case: Case | MaskedCase) -> bool:
    return case.state != "passed" and not _is_skipped(case) and not _is_failure(case)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


REPORTS: dict[str, Kind] = {
    "junit": Kind(_junit_case, _junit),
    "json": Kind(_json_case, _json),
    "jsonl": Kind(_json_case, lambda _, cases: "".join(f"{case}\n" for case in cases)),
    "html": Kind(html_case, html_page),
    "tap": Kind(_tap_case, _tap),
}
