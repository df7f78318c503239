"""``schema``: the JSON Schemas of pods, accounts and template headers agree with what the loaders take."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from conftest import PROJECT
from jsonschema import Draft202012Validator
from profiles.test_profiles import ACCOUNT, ACCOUNTS

from kshell.profiles.files import FOLDERS, Kind
from kshell.profiles.keys import ACCOUNT_KEYS, HEADER_KEYS, POD_KEYS
from kshell.profiles.schemas import schema

KINDS: tuple[Kind, ...] = get_args(Kind)
KEYS = {"pod": POD_KEYS, "account": ACCOUNT_KEYS, "template": HEADER_KEYS}


def valid(kind: Kind, text: str) -> bool:
    """Whether a file's text is valid, as an editor reads it: YAML 1.1 here, with numbers and booleans."""
    value: Any = yaml.safe_load(text)
    return Draft202012Validator(schema(kind)).is_valid(value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_prints_a_schema(cli, kind):
    """``kshell schema KIND`` prints a valid JSON Schema that has each key of the loader with its description."""
    printed = cli("schema", kind).json
    Draft202012Validator.check_schema(printed)
    assert printed == schema(kind)
    assert {name: part["description"] for name, part in printed["properties"].items()} == {
        name: key.says for name, key in KEYS[kind].items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_ships_is_valid(kind):
    """Every shipped pod, account and template header is valid by its schema."""
    folder, ending = FOLDERS[kind]
    texts = [file.read_text(encoding="utf-8") for file in (PROJECT / folder).glob(f"*{ending}")]
    if kind == "template":
        texts = [re.search(r"\{#(.*?)#\}", text, re.DOTALL)[1] for text in texts]  # type: ignore[index]
    assert texts
    assert [text for text in texts if not valid(kind, text)] == []


SHAPES = ("needs", "mapping", "list", "has no", "cannot name", "alphabet", "16", "empty")
"""Parts of a loader's message for what a schema can say too: keys, shapes, names, choices and limits."""


@pytest.mark.parametrize(
    "case", [case for case, (_, message, _) in ACCOUNTS.items() if any(it in message for it in SHAPES)]
)
def test_an_account_of_a_wrong_form_is_not_valid(case):
    """An account with a missing or unknown key, a wrong shape or a wrong choice is valid for neither loader nor editor."""
    assert not valid("account", ACCOUNTS[case][0])


@pytest.mark.parametrize("text", ["otp: 012345", "to: +919812345678", "language: no", "ref: 12:34"])
def test_what_was_typed_is_valid_also_where_an_editor_sees_another_type(text):
    """A value that YAML calls a number or a boolean is valid, since kshell reads it as text."""
    assert valid("account", f"{ACCOUNT}variables: {{{text}}}")
    assert valid("account", f"{ACCOUNT}approved: {{auth1: [no, en_US]}}\notp: {{length: '8', alphabet: letters}}")


def test_init_writes_the_schema_that_its_account_names(cli, monkeypatch):
    """The first line of an account that ``init`` wrote names the schema beside it, by which the account is valid."""
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.StringIO("mine\nin\nHX1IN\n+911234567890\nauth1\nen_US\n\nKALEYRA_API_KEY\n"))
    assert cli("init").code == 0
    (account,) = Path.home().rglob("mine.yaml")
    text = account.read_text()
    named = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert json.loads((account.parent / named).read_text()) == schema("account")
    assert valid("account", text)
