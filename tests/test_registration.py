"""Every registration has all its parts; each failure says what to add, where, and what to run then."""

from __future__ import annotations

from importlib import import_module
from typing import NoReturn

import pytest
from api.test_rules import BROKEN, KEPT
from commands.test_listing import SHIPPED
from snippets.test_snippet_targets import golden_of
from snippets.test_snippets_programs import RUN
from support.registered import DEFINED, PROJECT, ROWS, parts_of_an_answer

from kshell.api.endpoints import ANSWERS, ENDPOINTS, RULES
from kshell.core.endpoint import DocumentedAnswer, Endpoint
from kshell.profiles.files import FOLDERS
from kshell.simulator.documented import FAILURES, MAGIC_KEYS, MAGIC_RECIPIENTS, MAGIC_SENDERS, MAGIC_SIDS
from kshell.snippets.catalog import TARGETS

RULES_TESTED = "tests/api/test_rules.py"
TARGETS_RUN = "tests/snippets/test_snippets_programs.py"
TABLE = "kshell/syntax/command_table.py"
SIMULATOR = "kshell/simulator/documented.py"
PAGE = "tests/simulator/test_simulator.py"
LISTING = "tests/commands/test_listing.py"
PROFILES = "tests/profiles/test_profiles.py"
REFERENCE = "kshell docs docs/reference.md"
ACCEPTANCE = "demo"
WRITE_GOLDEN = (
    "KSHELL_GOLDEN=write pytest tests/snippets/test_snippet_targets.py; then read what it writes in tests/golden/"
)
SAMPLES = "Send Authentication Template Messages"


def instruct(*lines: str) -> NoReturn:
    """Fail with these instructions, without a traceback."""
    pytest.fail("\n".join(lines), pytrace=False)


def test_a_command_has_a_row_and_a_row_has_a_command():
    """Every ``@command`` has a row in the table of commands, and every row names a command of its module."""
    for name in sorted(ROWS.keys() | {name for names in DEFINED.values() for name in names}):
        defined = [module for module, names in DEFINED.items() if name in names]
        if name not in ROWS:
            instruct(
                f"kshell/commands/{defined[0]}.py defines the command {name!r}, but nobody can call it.",
                f'Add the row "{name}": Entry("{defined[0]}") to SECTIONS in {TABLE}, below the heading of the help it is for.',
                f"Then run: {REFERENCE}; pytest tests/console/test_every_command.py",
            )
        if ROWS[name].module not in defined:
            where = f"kshell/commands/{ROWS[name].module}.py"
            known = ", ".join(DEFINED.get(ROWS[name].module, {}))
            elsewhere = (
                f"It stands in kshell/commands/{defined[0]}.py."
                if defined
                else f"{where} has: {known or 'no commands'}."
            )
            instruct(
                f"{TABLE} has a row for the command {name!r}, but {where} does not define it.",
                f'{elsewhere} Correct the row, or add a function below @command("{name}", examples=[…]) to {where}.',
            )


def test_a_rule_has_examples():
    """Every rule has a payload that breaks it and one that keeps it."""
    for code in sorted(RULES.keys() | BROKEN.keys() | KEPT.keys()):
        if code not in RULES:
            instruct(
                f"{RULES_TESTED} has examples of a rule {code!r} that kshell/api/ does not have: remove or rename them."
            )
        if not BROKEN.get(code) or not KEPT.get(code):
            instruct(
                f"The rule {code!r} has no example that breaks it, or none that keeps it.",
                f'Add "{code}": [Case({{POINTER: VALUE}}, POINTER, MESSAGE, FIX)] to BROKEN in {RULES_TESTED}: a payload '
                "that breaks it, and what is found.",
                f'Add "{code}": [{{POINTER: VALUE}}] to KEPT there: a payload at the limit that keeps it.',
                f'If it is an error, add "{code}" to ERRORS there. Then run: pytest {RULES_TESTED}',
            )


def test_a_target_has_a_run_and_a_golden_file():
    """Every snippet target is run or replayed by a test, and has a golden file."""
    for name in sorted(TARGETS.keys() | RUN.keys()):
        if name not in TARGETS:
            instruct(f"RUN in {TARGETS_RUN} runs {name!r}, which is no target: remove or rename the row.")
        if name not in RUN:
            instruct(
                f"The target {name!r} is run by no test.",
                f'Add "{name}": (FILE, FUNCTION, PROGRAMS) to RUN in {TARGETS_RUN}; FUNCTION runs the file.',
                "Add the PROGRAMS that it needs to PROGRAMS in tests/support/programs.py.",
                f"Then run: {REFERENCE}; {WRITE_GOLDEN}",
            )
        if not golden_of(name).exists():
            instruct(f"The target {name!r} has no golden file. Run: {WRITE_GOLDEN}")


@pytest.mark.parametrize(
    "answer", [answer for answer in ANSWERS if SAMPLES in answer.source], ids=lambda row: row.title
)
def test_a_documented_answer_can_be_seen(answer):
    """Every answer of the page has an account, a session and a cassette, and the simulator can give it."""
    name = answer.name
    if not name:
        instruct(
            f"The answer {answer.status} {answer.code} is the page's, but has no name.",
            "Name it in answers.py of its endpoint, below kshell/api/: account, session and cassette have this name.",
        )
    how = {
        "account": "copy low-balance.yaml; its SID, key or phone number is the magic value",
        "session": f'it begins with "# {answer.status} {answer.code}", sends with that account, and expects this answer',
        "cassette": "run: python tests/support/record_cassettes.py",
    }
    missing = [
        f"{file.relative_to(PROJECT)}: {how[part]}"
        for part, file in parts_of_an_answer(name).items()
        if not file.exists()
    ]
    if name != ACCEPTANCE:
        missing[:0] = missing_in_the_simulator(answer)
    if missing:
        instruct(
            f"The answer {name!r} cannot be seen by a user. Add:",
            *missing,
            f"Then run: pytest {PAGE} tests/scripts/test_sessions.py",
        )


def missing_in_the_simulator(answer: DocumentedAnswer) -> list[str]:
    """Return the entries that the simulator and its tests lack to give the answer, by any account and by one of its own."""
    name, heading = answer.name, answer.source.removeprefix(f"{SAMPLES}: ")
    by_recipient = {failure.name for failure in MAGIC_RECIPIENTS.values()}
    by_account = {failure.name for table in (MAGIC_KEYS, MAGIC_SIDS, MAGIC_SENDERS) for failure in table.values()}
    needs = {
        "a Failure in FAILURES, written from the page": name in FAILURES,
        "a number in MAGIC_RECIPIENTS, to which every message is answered so": name in by_recipient,
        "a value in MAGIC_SIDS, MAGIC_KEYS or MAGIC_SENDERS, for the account": name in by_account,
    }
    missing = [f"{SIMULATOR}: {what}" for what, present in needs.items() if not present]
    if f"{heading}\n{{" not in (PROJECT / PAGE).read_text(encoding="utf-8"):
        missing.insert(0, f"{PAGE}: {heading!r} and its body in PAGE_FAILURES, as the page has them and in its order")
    return missing


@pytest.mark.parametrize("part", ["session", "cassette"])
def test_no_file_is_left_without_its_answer(part):
    """Every shipped session and cassette belongs to a documented answer."""
    folder = parts_of_an_answer("any")[part]
    stems = {file.stem for file in folder.parent.glob(f"*{folder.suffix}")}
    for name in stems - {answer.name for answer in ANSWERS}:
        instruct(f"{folder.parent.name}/{name}{folder.suffix} has no answer called so in kshell/api/: remove it.")


@pytest.mark.parametrize(
    "file", sorted((PROJECT / "kshell" / "api").glob("*/endpoint.py")), ids=lambda file: file.parent.name
)
def test_an_endpoint_is_in_the_list(file):
    """Every ``kshell/api/NAME/endpoint.py`` defines an ``Endpoint``, and ``ENDPOINTS`` lists it."""
    module = f"kshell.api.{file.parent.name}.endpoint"
    endpoints = [(name, value) for name, value in vars(import_module(module)).items() if isinstance(value, Endpoint)]
    for name, endpoint in endpoints:
        if endpoint not in ENDPOINTS:
            instruct(
                f"Nothing knows {name} of {module}. Add it to ENDPOINTS in kshell/api/endpoints.py.",
                "Then run: pytest tests/api/test_endpoint.py",
            )
    if not endpoints:
        instruct(
            f"{module} makes no Endpoint. Assign one to a name there, and add it to ENDPOINTS in kshell/api/endpoints.py."
        )


@pytest.mark.parametrize("kind", FOLDERS)
def test_what_ships_is_known_to_the_tests(kind):
    """Every pod, account and template that ships stands in ``SHIPPED``, and nothing else does."""
    folder, ending = FOLDERS[kind]
    ships = {file.name.removesuffix(ending) for file in (PROJECT / folder).glob(f"*{ending}")}
    known = SHIPPED[f"{kind}s"]
    more = {
        "pod": [f"Add its base_url to test_the_shipped_profiles_are_read in {PROFILES}."],
        "account": [f"Run: {REFERENCE}"],
    }
    for name in sorted(ships - set(known)):
        instruct(
            f"{folder}/{name}{ending} ships, but the tests do not know it.",
            f'Add "{name}" to SHIPPED in {LISTING}, in the order of the alphabet.',
            *more.get(kind, []),
            f"Then run: pytest {LISTING} {PROFILES}",
        )
    for name in sorted(set(known) - ships):
        instruct(f"SHIPPED in {LISTING} has the {kind} {name!r}, but {folder}/{name}{ending} is not there.")
