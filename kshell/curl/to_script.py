"""A curl command that was read -> whose it is, the lines of a script that makes the same request, and an account's file.

The way back from ``snippets.curl``. The key is in nothing that this module returns but as a reference.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from kshell.api.endpoints import FIELDS
from kshell.core.errors import KshellError, ScriptError, UsageError, listed
from kshell.core.json_text import dumps
from kshell.core.models import DEFAULT_KEY_VARIABLE
from kshell.curl.command import PLACEHOLDER
from kshell.curl.recover import new_template, recover
from kshell.profiles.profiles import load_account, load_pod
from kshell.syntax.lines import quote
from kshell.templating import templates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kshell.core.models import Account, Pod, Template
    from kshell.curl.command import Copied
    from kshell.profiles.files import Kind, Places


class Found(NamedTuple):
    """The account that a command was made for, and the pod of its host; None where there is none."""

    account: Account | None
    pod: Pod | None


class Imported(NamedTuple):
    """``template`` is one that exists, or None where ``source`` suggests a new one; ``values`` fill it.

    ``unfilled`` are its variables for which the command has placeholders, each with its own.
    """

    copied: Copied
    found: Found
    template: Template | None
    source: str
    values: Mapping[str, str]
    unfilled: Mapping[str, str]


# ---- whose it is

Thing = TypeVar("Thing")


def find(copied: Copied, places: Places, preferred: str) -> Found:
    """The account whose host, SID and number are the command's; of several the one with its key, then ``preferred``."""
    pods = _readable(places, "pod", load_pod)
    address = copied.address
    if address is None:
        return Found(None, None)
    here = next((pod for pod in pods if pod.base_url.lower() == address.base_url), None)
    same = [it for it in _readable(places, "account", load_account) if address.is_of(it)]
    ranked = sorted(
        same, key=lambda it: (here is None or it.pod != here.name, it.api_key != copied.key, it.name != preferred)
    )
    return Found(ranked[0] if ranked else None, here)


def _readable(places: Places, kind: Kind, load: Callable[[Places, str], Thing]) -> list[Thing]:
    """Every thing of a kind that can be read; what cannot be is ``kshell accounts`` and its sisters' to say."""
    found: list[Thing] = []
    for name in places.names(kind):
        with suppress(KshellError):
            found.append(load(places, name))
    return found


# ---- which template makes it, filled with what


def understand(copied: Copied, found: Found, places: Places) -> Imported:
    """The template and the values that make the payload; or a new template for it."""
    if copied.payload is None:
        return Imported(copied, found, None, "", {}, {})
    known = _readable(places, "template", templates.load_template)
    first = found.account.template if found.account else "auth"
    for template in sorted(known, key=lambda it: it.name != first):
        values = recover(template, copied.payload)
        if values is not None:
            return Imported(copied, found, template, "", *_filled(values))
    source, values = new_template(copied.payload)
    return Imported(copied, found, None, source, *_filled(values))


def _filled(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The values, and apart from them the placeholders."""
    unfilled = {name: text for name, text in values.items() if PLACEHOLDER.fullmatch(text)}
    return {name: text for name, text in values.items() if name not in unfilled}, unfilled


# ---- what is printed and written


def script(imported: Imported, template: str) -> list[str]:
    """The lines that ``run`` takes. ``template`` is the name that a new one was given; empty where it is not written."""
    account, pod = imported.found
    lines: list[str] = []
    if account:
        lines.append(f"use account {account.name}")
        if pod and pod.name != account.pod:
            lines.append(f"use pod {pod.name}")
    name = imported.template.name if imported.template else template
    if name not in ("", account.template if account else "auth"):
        lines.append(f"use template {name}")
    set_already = _set_already(imported)
    words = [f"{name}={quote(text)}" for name, text in imported.values.items() if set_already.get(name) != text]
    return [*lines, f"set {' '.join(words)}"] if words else lines


def _set_already(imported: Imported) -> dict[str, str]:
    """What holds without a word: the template's defaults and the account's variables."""
    variables = imported.template.variables if imported.template else ()
    defaults = {variable.name: variable.default for variable in variables if variable.default is not None}
    return {**defaults, **(imported.found.account.variables if imported.found.account else {})}


def left_over(imported: Imported) -> list[str]:
    """Variables that the account sets and the command has no place for: the script would send them."""
    account, template = imported.found.account, imported.template
    if not account or not template:
        return []
    known = {**imported.values, **imported.unfilled}
    return [name for name in account.variables if template.variable(name) and name not in known]


PERSONAL = {field.variable for field in FIELDS if field.variable and (field.role or field.kept)}
"""The variables that change with every message, so that no account has them: recipient, code, references."""


def account_text(imported: Imported, template: str) -> str:
    """The account's file: all of it but the key, to which it refers. Raises ``UsageError`` where the host is no pod's.

    Raises ``ScriptError`` for a form, whose placeholders are no account's.
    """
    address, pod = imported.copied.address, imported.found.pod
    if imported.copied.placeholders:
        raise ScriptError(
            f"a form, whose placeholders are no account's: {listed(imported.copied.placeholders)}",
            hint="write your own there and import it again; or type kshell init, which asks for them",
            at=imported.copied.at,
        )
    if address is None or pod is None:
        base = address.base_url if address else "the command, which is not this API's,"
        raise UsageError(
            f"no pod has the host of {base}",
            hint="write one: a file profiles/pods/NAME.yaml with the line base_url: https://HOST",
        )
    key = imported.copied.key
    variables = {name: text for name, text in imported.values.items() if name not in PERSONAL}
    rows = {
        "title": "Imported from a curl command",
        "pod": pod.name,
        "sid": address.value("sid"),
        "api_key": f"env:{key.variable if key else DEFAULT_KEY_VARIABLE}",
        "phone_number": address.value("phone_number"),
        "template": imported.template.name if imported.template else template or "auth",
    }
    lines = [f"{name}: {dumps(text)}" for name, text in rows.items()]
    lines += ["variables:", *(f"  {name}: {dumps(text)}" for name, text in variables.items())] if variables else []
    return "\n".join((*lines, ""))
