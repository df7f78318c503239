"""Replace the code and the phone numbers of a request with placeholders in capitals, for documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kshell.api.payload import replaced, texts_at
from kshell.api.request import with_parameters

if TYPE_CHECKING:
    from kshell.core.models import Request


def with_placeholders(request: Request) -> Request:
    """Return ``request`` with placeholders for its code, its recipients and its sender.

    A placeholder is the page's term in capitals, without ``<`` and ``>``, which have a meaning in shells and URLs.
    """
    private = [field for field in request.endpoint.fields if field.role]
    texts = {place: field.name.upper() for field in private for place, _ in texts_at(request.payload, [field.pointer])}
    request = request._replace(payload=replaced(request.payload, texts))
    return with_parameters(request, {field.name: field.name.upper() for field in private if not field.pointer})
