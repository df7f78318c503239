"""``openapi``: the page stated as OpenAPI 3.1, checked against the rules and against the simulator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api.test_rules import BREAKING, ERRORS, GOOD, KEEPING, NUMBER, changed, check, codes
from jsonschema import Draft202012Validator

import kshell
from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.api.endpoints import ANSWERS
from kshell.api.openapi import BEYOND_SCHEMA, payload_schema
from kshell.commands.schemas import openapi_text
from kshell.core.models import Json

DOCUMENT: Any = json.loads(openapi_text())
(PATH,) = DOCUMENT["paths"]
OPERATION = DOCUMENT["paths"][PATH]["post"]
SCHEMA = Draft202012Validator(payload_schema(SEND_AUTHENTICATION))
UNSAID = {"otp-control", "otp-twice", "index-range"}
"""Rules with a part that JSON Schema cannot say: two places are equal or differ, or the kind of a character."""


def test_it_is_openapi():
    """The document is valid OpenAPI 3.1, and ``kshell openapi`` prints it."""
    from openapi_spec_validator import validate  # a tenth of the time of all imports of the tests

    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_the_command_prints_it(cli):
    """``kshell openapi`` prints the document; its servers are the shipped pods."""
    assert cli("openapi").json == DOCUMENT
    assert {server["url"] for server in DOCUMENT["servers"]} >= {"https://api.in.kaleyra.io", "http://127.0.0.1:8255"}


def test_every_documented_answer_is_there():
    """Each documented answer stands below its status, and each that the page shows has its body as an example."""
    for answer in ANSWERS:
        response = OPERATION["responses"][str(answer.status)]
        assert f"{answer.code}: {answer.title}." in response["description"]
        examples = response["content"]["application/json"].get("examples", {})
        assert (answer.name in examples) is bool(answer.name)
        if answer.name:
            assert examples[answer.name]["value"]["code"] == answer.code


def test_every_example_has_the_form_of_an_answer():
    """Each example is valid by the schema of an answer."""
    valid = Draft202012Validator(DOCUMENT["components"]["schemas"]["Answer"]).is_valid
    bodies = [
        example["value"]
        for response in OPERATION["responses"].values()
        for example in response["content"]["application/json"].get("examples", {}).values()
    ]
    assert len(bodies) == 8
    assert all(map(valid, bodies))


def test_the_limit_of_the_schema_is_written_down():
    """The document says what JSON Schema cannot, in its description and at the components."""
    components = payload_schema(SEND_AUTHENTICATION)
    for name in ("messaging_object", "template", "components"):
        components = components["properties"][name]  # type: ignore[index,call-overload,assignment]
    assert BEYOND_SCHEMA in DOCUMENT["info"]["description"]
    assert BEYOND_SCHEMA in str(components["description"])


def test_a_payload_that_keeps_the_rules_is_valid():
    """What breaks no rule that is an error is valid by the schema."""
    for changes in (*(changes for _, changes in KEEPING), {}):
        payload = changed(changes)
        assert SCHEMA.is_valid(payload) or any(found.severity == "error" for found in check(payload)), changes


FAULTY = [(code, case) for code, case in BREAKING if code in ERRORS - UNSAID]
OF_PYTHON = (0.0, f"{NUMBER}\n")
"""Values that the schema takes: 0.0 is an integer in JSON Schema, and Python's ``$`` matches before a last line break."""


def test_a_payload_that_breaks_an_error_is_not():
    """What a rule calls an error is not valid by the schema."""
    cases = [case for _, case in FAULTY if not any(value in OF_PYTHON for value in case.changes.values())]
    assert cases
    assert [case for case in cases if SCHEMA.is_valid(changed(case.changes))] == []


def test_a_code_of_15_characters_is_the_longest():
    """The schema takes a code of 15 characters in both places, and none of 16."""
    assert [SCHEMA.is_valid(changed(codes("1" * length))) for length in (1, 15, 16)] == [True, True, False]


def test_each_example_of_a_field_is_valid():
    """Each ``examples`` of the schema is valid where it stands."""

    def schemas(value: Json) -> Any:
        if isinstance(value, dict):
            if "examples" in value and "type" in value:
                yield value
            value = list(value.values())
        for item in value if isinstance(value, list) else ():
            yield from schemas(item)

    found = list(schemas(payload_schema(SEND_AUTHENTICATION)))
    assert len(found) > 10
    assert [part for part in found for text in part["examples"] if not Draft202012Validator(part).is_valid(text)] == []
    assert SCHEMA.is_valid(GOOD)


def agreed(payload: Any) -> Any:
    """Return a payload of the schema with what the schema cannot say: one code everywhere, each button's own index."""
    components = payload["messaging_object"]["template"]["components"]
    (body,) = [component for component in components if component["type"] == "body"]
    buttons = [component for component in components if component["type"] == "button"]
    for index, button in enumerate(buttons):
        button["index"] = index
        button["parameters"][0]["text"] = body["parameters"][0]["text"]
    return payload


@pytest.mark.parametrize("valid", [True, False], ids=["valid", "not valid"])
def test_the_sandbox_answers_as_the_document_says(valid):
    """Schemathesis finds that the sandbox takes what the document allows, refuses the rest, and answers as documented."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import ignored_auth

    operation = schemathesis.openapi.from_dict(DOCUMENT)[PATH]["POST"]
    mode = GenerationMode.POSITIVE if valid else GenerationMode.NEGATIVE
    with kshell.sandbox() as sandbox:

        @settings(
            max_examples=settings.default.max_examples // 4,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def answered(case: schemathesis.Case) -> None:
            if valid:
                case.body = agreed(case.body)
            case.headers["api-key"] = sandbox.key
            case.call_and_validate(base_url=sandbox.url, excluded_checks=[ignored_auth])  # it takes any key

        answered()
