"""Make a ``Draft`` from an account, a template and values: refuse wrong values, and build the request in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kshell.api.request import build
from kshell.core.errors import Note, UsageError
from kshell.core.models import Draft, Template, Variable
from kshell.profiles import api_key
from kshell.templating import templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kshell.core.endpoint import Endpoint
    from kshell.core.models import Account, Payload, Pod


def send_authentication() -> Endpoint:
    """Return the endpoint of an authentication message."""
    from kshell.api.authentication.endpoint import SEND_AUTHENTICATION  # slow, and the prompt does not need it

    return SEND_AUTHENTICATION


def drafted(
    endpoint: Endpoint,
    account: Account,
    pod: Pod,
    template: Template,
    values: Mapping[str, str],
    payload: Payload,
    notes: tuple[Note, ...],
) -> Draft:
    """Check and cut a payload, and build its request: the only place where a payload becomes a ``Request``."""
    from kshell.api.payload import cut_texts
    from kshell.api.rules import check

    request = build(endpoint, pod, account, cut_texts(endpoint, payload), values)
    findings = check(endpoint, payload, account)
    return Draft(account, pod, template, values, findings, request, notes)


def defaults(account: Account, template: Template) -> dict[str, str]:
    """Return the template's defaults, overridden by the account's variables."""
    defaults = {variable.name: variable.default for variable in template.variables if variable.default is not None}
    return {**defaults, **account.variables}


def source_if_unset(variable: Variable) -> str:
    """Return in a word what happens if a variable without a default is not set."""
    if variable.name == "otp":
        return "generated when needed"
    return "missing" if variable.required else "optional"


def refuse_unknown(template: Template, typed: Mapping[str, str]) -> None:
    """Raise ``UsageError`` for a typed variable that the template does not have."""
    owner = f"the template {template.name}" if template.name else template.title
    for name in typed:
        if template.variable(name) is None:
            raise UsageError(
                f"{owner} has no variable {name!r}",
                hint=templates.unknown_variable_hint(template, name),
            )


def refuse_missing(template: Template, values: Mapping[str, str]) -> None:
    """Raise one ``UsageError`` for all required variables that have no value."""
    missing = template.missing(values)
    if missing:
        names = " ".join(f"{variable.name}=…" for variable in missing)
        raise UsageError(f"not set: {', '.join(variable.name for variable in missing)}", hint=f"add {names}")


def refuse_not_utf8(values: Mapping[str, str]) -> None:
    """Raise ``UsageError`` for bytes that are not UTF-8 or half of a surrogate pair: JSON cannot carry them."""
    for name, text in values.items():
        try:
            text.encode()
        except UnicodeEncodeError:
            hint = "does the terminal, or the file with the value, have another encoding?"
            raise UsageError(f"the value of {name} is not UTF-8", hint=hint) from None


def key_notes(account: Account, pod: Pod) -> tuple[Note, ...]:
    """Return a warning if the account's file holds the secret key itself."""
    if not api_key.is_in_profile(account, pod):
        return ()
    text = f"the API key stands in {account.origin.file}; write api_key: env:NAME and keep it in the environment"
    return (Note("warning", text),)
