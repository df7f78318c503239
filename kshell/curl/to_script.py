"""A parsed curl command -> its account, the lines of a script that makes the same request, and an account's file.

This is the inverse of a curl snippet. Scripts and account files have a reference to the key, never the key itself.
"""

from collections.abc import Mapping
from typing import NamedTuple

from kshell.api.endpoints import FIELDS
from kshell.core.errors import ScriptError, UsageError, listed
from kshell.core.json_text import dumps
from kshell.core.models import DEFAULT_KEY_VARIABLE, Account, Pod, Template
from kshell.curl.command import PLACEHOLDER, Copied
from kshell.curl.recover import new_template, recover
from kshell.profiles.files import Places
from kshell.profiles.profiles import load_account, load_pod, readable
from kshell.syntax.lines import quote
from kshell.templating import templates


class Profiles(NamedTuple):
    """The account that a command was made for, and the pod of its host. Each is None if there is no such profile."""

    account: Account | None
    pod: Pod | None


class Imported(NamedTuple):
    """A command with the template that makes its payload. ``template`` is None if ``source`` has a new one.

    ``values`` are the template's variables. ``unfilled`` are those for which the command has placeholders, by name.
    """

    copied: Copied
    profiles: Profiles
    template: Template | None
    source: str
    values: Mapping[str, str]
    unfilled: Mapping[str, str]


# ---- the account and the pod


def find_profiles(copied: Copied, places: Places, preferred: str) -> Profiles:
    """Return the account with the command's host, SID and number. Of several, take one with its key, then ``preferred``."""
    pods = readable(places, "pod", load_pod)
    address = copied.address
    if address is None:
        return Profiles(None, None)
    pod = next((pod for pod in pods if pod.base_url.lower() == address.base_url), None)
    accounts = [account for account in readable(places, "account", load_account) if address.is_of(account)]
    accounts.sort(key=lambda it: (pod is None or it.pod != pod.name, it.api_key != copied.key, it.name != preferred))
    return Profiles(accounts[0] if accounts else None, pod)


# ---- the template and its values


def find_template(copied: Copied, profiles: Profiles, places: Places) -> Imported:
    """Return the command with a template and the values that make its payload, or with the source of a new template."""
    if copied.payload is None:
        return Imported(copied, profiles, None, "", {}, {})
    candidates = readable(places, "template", templates.load_template)
    first = profiles.account.template if profiles.account else "auth"
    for template in sorted(candidates, key=lambda it: it.name != first):
        values = recover(template, copied.payload)
        if values is not None:
            return Imported(copied, profiles, template, "", *_split_placeholders(values))
    source, values = new_template(copied.payload)
    return Imported(copied, profiles, None, source, *_split_placeholders(values))


def _split_placeholders(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the variables that have a value, and those that have a placeholder."""
    unfilled = {name: text for name, text in values.items() if PLACEHOLDER.fullmatch(text)}
    return {name: text for name, text in values.items() if name not in unfilled}, unfilled


# ---- the script and the account's file


def script(imported: Imported, template: str) -> list[str]:
    """Return the lines of the script. ``template`` is the name of a new template, or empty if none is written."""
    account, pod = imported.profiles
    lines: list[str] = []
    if account:
        lines.append(f"use account {account.name}")
        if pod and pod.name != account.pod:
            lines.append(f"use pod {pod.name}")
    name = imported.template.name if imported.template else template
    if name not in ("", account.template if account else "auth"):
        lines.append(f"use template {name}")
    defaults = _defaults(imported)
    assignments = [f"{name}={quote(text)}" for name, text in imported.values.items() if defaults.get(name) != text]
    return [*lines, f"set {' '.join(assignments)}"] if assignments else lines


def _defaults(imported: Imported) -> dict[str, str]:
    """Return the values that a script need not set: the template's defaults and the account's variables."""
    variables = imported.template.variables if imported.template else ()
    defaults = {variable.name: variable.default for variable in variables if variable.default is not None}
    return {**defaults, **(imported.profiles.account.variables if imported.profiles.account else {})}


def left_over(imported: Imported) -> list[str]:
    """Return the variables that the account sets and the command does not have: the script would send them too."""
    account, template = imported.profiles.account, imported.template
    if not account or not template:
        return []
    known = {**imported.values, **imported.unfilled}
    return [name for name in account.variables if template.variable(name) and name not in known]


PERSONAL = {field.variable for field in FIELDS if field.variable and (field.role or field.cut_at)}
"""The variables that differ in every message, so that no account has them: recipient, code, references."""


def account_text(imported: Imported, template: str) -> str:
    """Return the text of an account's file, with a reference to the key.

    Raises ``UsageError`` if no pod has the command's host, and ``ScriptError`` if the command has placeholders.
    """
    address, pod = imported.copied.address, imported.profiles.pod
    if imported.copied.placeholders:
        raise ScriptError(
            f"the command is a form; an account cannot have its placeholders: {listed(imported.copied.placeholders)}",
            hint="replace them by your values and import it again, or type kshell init, which asks for the values",
            at=imported.copied.at,
        )
    if address is None or pod is None:
        base = address.base_url if address else "the command, which is not for this API"
        raise UsageError(
            f"no pod has the host of {base}",
            hint="create one: a file profiles/pods/NAME.yaml with the line base_url: https://HOST",
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
