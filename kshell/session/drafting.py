"""Make a ``Draft`` from an account, a template and values: refuse wrong values, and build the request in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kshell.api.request import build
from kshell.core.errors import Note, UsageError
from kshell.core.models import Account, Draft, Payload, Pod, Template, Variable
from kshell.profiles import api_key
from kshell.templating import templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kshell.api.checks import Checked
    from kshell.core.endpoint import Endpoint


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
    checked: Checked,
    notes: tuple[Note, ...],
) -> Draft:
    """Build the request of a payload that was checked: the only place where a payload becomes a ``Request``."""
    request = build(endpoint, pod, account, checked.payload, values)
    findings, codes, recipients = checked.findings, checked.codes, checked.recipients
    return Draft(account, pod, template, values, findings, request, notes, codes, recipients)


def redrafted(draft: Draft, payload: Payload) -> Draft:
    """Return ``draft`` with another payload, without the notes on how its values were chosen."""
    from kshell.api.checks import checked  # slow, and the prompt does not need it

    account, endpoint = draft.account, draft.request.endpoint
    judged, notes = checked(endpoint, account, payload), key_notes(account, draft.pod)
    return drafted(endpoint, account, draft.pod, draft.template, draft.values, judged, notes)


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
    for name in template.unknown(typed):
        owner = f"the template {template.name}" if template.name else template.title
        hint = templates.unknown_variable_hint(template, name)
        raise UsageError(f"{owner} has no variable {name!r}", hint=hint)


def refuse_missing(template: Template, values: Mapping[str, str], unread: Iterable[Note]) -> None:
    """Raise one ``UsageError`` for all required variables that have no value.

    ``unread`` are warnings of names that nothing reads, which are probably misspelt.
    """
    missing = template.missing(values)
    if missing:
        names = " ".join(f"{variable.name}=…" for variable in missing)
        misspelt = [f"{note.headline}; {note.hint}" for note in unread]
        raise UsageError(
            f"not set: {', '.join(variable.name for variable in missing)}", hint=f"add {names}", details=misspelt
        )


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
