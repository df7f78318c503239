"""What the rules will say of a variable, as soon as it is set."""

from collections.abc import Collection

from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.api.rules import check
from kshell.core.errors import KshellError
from kshell.core.models import Finding
from kshell.session.session import Session
from kshell.templating.templates import render

# the examples of the API's page are masked for these two
_VALID = {field.variable: field.example for field in SEND_AUTHENTICATION.fields if field.variable} | {
    "to": "+919812345678",
    "otp": "482913",
}


def early_findings(session: Session, names: Collection[str]) -> list[Finding]:
    """Return the findings that the session's values of ``names`` cause in a message of its template.

    Missing variables get valid values, and no draft is made. The list is empty if the template cannot be rendered.
    """
    try:
        template = session.current_template()
        needed = {variable.name: _VALID.get(variable.name, "x") for variable in template.variables if variable.required}
        valid = {**needed, **session.values()}
        before, now = (
            check(SEND_AUTHENTICATION, render(template, {**valid, **values}), session.current_account())
            for values in ({name: _VALID.get(name, "x") for name in names}, {})
        )
    except KshellError:
        return []
    return [finding for finding in now if finding not in before]
