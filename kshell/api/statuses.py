"""What comes after the 202: the statuses of a message, and Meta's error codes that a failed message carries.

Sources: Kaleyra's pages *whatsapp-status* and *wa-status-update-webhooks-payload-v2-sent* for the statuses; Meta's
*Error codes* of the WhatsApp Cloud API for the codes, in kshell's own words. ``retry`` says whether another send helps, and
whether it is safe: a message that failed does not arrive later.
"""

from kshell.core.exchange import Explanation

_META = "Meta, WhatsApp Cloud API: Error codes"
_VENDOR = "Kaleyra: whatsapp-status"
_CHECK = "kshell check -a NAME to=…"
_YOURS = "yours: correct the payload"
_SUPPORT = "Kaleyra's support"
_OWNER = "the business owner's, in Meta's business manager"
_SAFE = "safe"
_AFTER_MENDING = f"{_SAFE}; it helps once the payload is corrected"
_LATER = f"{_SAFE}; wait, and send a new code"
_NO_HELP = f"{_SAFE}, but it fails again until that is settled"

STATUSES = tuple(
    Explanation(*row, _VENDOR)
    for row in (
        (
            "sent", "Passed to WhatsApp",
            "Kaleyra handed the message to WhatsApp. It is not on the phone yet: only delivered says so.",
            "nobody's: wait for delivered or failed", "not safe: this message may still arrive", "",
        ),
        (
            "delivered", "On the phone", "WhatsApp put the message on the recipient's phone.",
            "nobody's", "not needed: it would be a second message", "",
        ),
        (
            "read", "Read", "The recipient opened the chat. If read receipts are off, this status never comes.",
            "nobody's", "not needed: it would be a second message", "",
        ),
        (
            "failed", "Not delivered",
            "WhatsApp or the phone did not take it. errors[] in the callback has Meta's code. It comes once: keep it.",
            "it depends on Meta's code", f"{_SAFE}; whether it helps depends on Meta's code", "kshell explain --from FILE",
        ),
        (
            "not-sent", "Not passed to WhatsApp", "Kaleyra took the message, but did not hand it to WhatsApp.",
            _SUPPORT, f"{_SAFE}; it helps once the reason is known", "kshell doctor",
        ),
    )
)  # fmt: skip

# codes that mean the same share a row
_ROWS = (
    ("130429", "Throughput exceeded", "The business number sends more messages a second than Meta allows it: 80 by default.",
     "yours: send more slowly", f"{_SAFE}; it helps after a pause, with a lower --rate", ""),
    ("130472", "Part of an experiment", "Meta holds messages to this recipient back for an experiment of its own.",
     "nobody's", f"{_SAFE}, but it will not help: use another channel, such as SMS", ""),
    ("130497", "Country not allowed", "The business may not send messages to users in the recipient's country.",
     f"{_SUPPORT}, or Meta's", _NO_HELP, ""),
    ("131000 131016 2", "Meta failed", "Something went wrong, or a service was not available, on Meta's side.",
     "Meta's", _LATER, "kshell send -a NAME to=…"),
    ("131005 10 190 200", "No access", "The access token or the permissions with which Kaleyra calls Meta were refused.",
     _SUPPORT, _NO_HELP, ""),
    ("131008", "A parameter is missing", "Meta did not find a parameter that the message needs.",
     _YOURS, _AFTER_MENDING, _CHECK),
    ("131009", "A parameter is wrong", "A parameter has a value that Meta does not allow.",
     _YOURS, _AFTER_MENDING, _CHECK),
    ("100", "A parameter is unknown or wrong", "A parameter is misspelt, not supported, or has a wrong value.",
     _YOURS, _AFTER_MENDING, _CHECK),
    ("131021", "Recipient is the sender", "The recipient is the business number that sends.",
     "yours: name another recipient", f"{_SAFE}; it helps with another recipient", _CHECK),
    ("131026", "Undeliverable",
     "WhatsApp cannot deliver to this number: it is not on WhatsApp, its app is old, or its user has not accepted the terms.",
     "yours: ask the recipient for the number, or use another channel",
     f"{_SAFE}, but it rarely helps: use another channel", _CHECK),
    ("131031 368", "Account locked or restricted", "Meta locked or restricted the business account for breaking a policy.",
     _OWNER, _NO_HELP, ""),
    ("131037", "Display name not approved", "The business number's display name is not approved by Meta.",
     _OWNER, _NO_HELP, ""),
    ("131042", "Payment failed", "The business account has no valid payment method, or a payment failed.",
     _OWNER, _NO_HELP, ""),
    ("131045 133010", "Number not registered", "The business number is not registered with the WhatsApp Cloud API.",
     _SUPPORT, _NO_HELP, ""),
    ("131047", "Outside the 24-hour window",
     "More than 24 hours passed since the recipient last wrote, so only a template may be sent. This message was none.",
     "yours: send a template", f"{_SAFE}; it helps with the type template", _CHECK),
    ("131048", "Spam limit", "Too many recipients blocked or reported the business number, so Meta limits it.",
     "yours: send less, and look at the number's quality rating", f"{_SAFE}, but not soon: each one may lower the rating", ""),
    ("131049", "Held back by Meta", "Meta chose not to deliver the message, so that users do not get too many.",
     "yours: wait, or use another channel", f"{_SAFE}, but not at once: it would be held back again", ""),
    ("131051", "Message type not supported", "Meta does not support messages of this type.",
     _YOURS, _AFTER_MENDING, _CHECK),
    ("131053", "Media failed", "A media file of the message could not be used. An authentication message has none.",
     _YOURS, _AFTER_MENDING, _CHECK),
    ("131056", "Too many to this recipient", "Too many messages went from this number to this recipient in a short time.",
     "yours: wait", f"{_SAFE}; one message in 6 seconds to one recipient is allowed", ""),
    ("131057", "Account in maintenance", "The business account is in maintenance, for example while it moves.",
     "nobody's", _LATER, ""),
    ("132000", "Wrong number of parameters",
     "The message has more or fewer parameters than the template. Often the code in the button is forgotten.",
     _YOURS, _AFTER_MENDING, _CHECK),
    ("132001", "No such template in this language",
     "The account has no approved template of this name in this language. The language must be the exact one: en is not en_US.",
     "yours: correct template_name or language", f"{_SAFE}; it helps with an approved name and language", _CHECK),
    ("132005", "Text too long", "The text of the template with its parameters filled in is too long.",
     _YOURS, _AFTER_MENDING, _CHECK),
    ("132007", "Format policy", "A parameter has characters that WhatsApp's policy does not allow there.",
     _YOURS, _AFTER_MENDING, _CHECK),
    ("132012", "Parameter format", "A parameter does not have the format that the template expects.",
     _YOURS, _AFTER_MENDING, _CHECK),
    ("132015", "Template paused", "Meta paused the template because recipients rated it badly.", _OWNER, _NO_HELP, ""),
    ("132016", "Template disabled", "Meta disabled the template for good after several pauses.", _OWNER, _NO_HELP, ""),
    ("133004", "Server unavailable", "Meta's server was not available.", "Meta's", _LATER, "kshell send -a NAME to=…"),
    ("135000", "User error", "Meta refused the request and gives no closer reason.", _YOURS, _AFTER_MENDING, _CHECK),
)  # fmt: skip

META_ERRORS = tuple(Explanation(code, *row[1:], _META) for row in _ROWS for code in row[0].split())

OUTCOMES = (*STATUSES, *META_ERRORS)
_BY_CODE = {row.code: row for row in OUTCOMES}


def find_outcome(word: str) -> Explanation | None:
    """Return what a status or one of Meta's codes means; None for another word. ``NOT_SENT`` and ``not-sent`` are the same."""
    return _BY_CODE.get(word.strip().lower().replace("_", "-"))
