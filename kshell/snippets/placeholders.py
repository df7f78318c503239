"""Put placeholders in capitals in place of the private parts of a message, for documentation.

A placeholder is the page's term in capitals, without ``<`` and ``>``, which have a meaning in shells and URLs.
"""

from collections.abc import Container

from kshell.api.payload import replaced, texts_at
from kshell.api.request import with_parameters
from kshell.core.endpoint import Endpoint
from kshell.core.models import Draft, Template


def unset(endpoint: Endpoint, template: Template, known: Container[str]) -> dict[str, str]:
    """Return the template's variables for a code or a number that are not in ``known``, each with its placeholder."""
    return {
        field.variable: field.name.upper()
        for field in endpoint.fields
        if field.role and template.variable(field.variable) and field.variable not in known
    }


def with_placeholders(draft: Draft) -> Draft:
    """Return ``draft`` with placeholders for codes, recipients and the URL's parameters, without findings about them."""
    request, endpoint = draft.request, draft.request.endpoint
    private = [field for field in endpoint.fields if field.role]
    texts = {place: field.name.upper() for field in private for place, _ in texts_at(request.payload, [field.pointer])}
    request = request._replace(payload=replaced(request.payload, texts))
    request = with_parameters(request, {name: name.upper() for name in endpoint.parameters})
    findings = tuple(finding for finding in draft.findings if finding.pointer not in texts)
    return draft._replace(request=request, findings=findings)
