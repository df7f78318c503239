"""A request for documentation: words in capitals stand where the code and the numbers stood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kshell.api.payload import replaced, texts_at
from kshell.api.request import with_parameters

if TYPE_CHECKING:
    from kshell.core.models import Request


def with_placeholders(request: Request) -> Request:
    """``request`` without its code, its recipients and its sender: the page's own terms in capitals stand for them.

    ``<`` and ``>``, which the page writes around them, would mean something else to a shell or in a URL.
    """
    private = [field for field in request.endpoint.fields if field.role]
    words = {place: field.name.upper() for field in private for place, _ in texts_at(request.payload, [field.pointer])}
    request = request._replace(payload=replaced(request.payload, words))
    return with_parameters(request, {field.name: field.name.upper() for field in private if not field.pointer})
