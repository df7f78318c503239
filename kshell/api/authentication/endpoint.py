"""The endpoint that sends a one-time password, as Kaleyra's page *Send Authentication Template Messages* states it.

Source of the URL and the headers: the page's *Request Format* and *URL Parameters and Headers*.
"""

from kshell.api.authentication.answers import ANSWERS
from kshell.api.authentication.fields import API_KEY, FIELDS
from kshell.api.authentication.rules import RULES
from kshell.core.endpoint import Endpoint

SEND_AUTHENTICATION = Endpoint(
    name="send-authentication",
    title="Send Authentication Template Messages",
    summary="Send an authentication template message",
    method="POST",
    path="/v2/{sid}/whatsapp/{phone_number}/messages",
    key_header=API_KEY.name,
    media_type="application/json",
    success=202,
    message_id="/data/message_id",
    fields=FIELDS,
    rules=RULES,
    answers=ANSWERS,
)
