"""The keys of pods, accounts and template headers, one row each. The loaders refuse other keys; ``schemas`` describes these."""

from typing import NamedTuple

BASE_URL = r"https?://([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.?|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?/?"
NUMBER = r"\+[1-9][0-9X]{6,14}"
SEGMENT = r"[!-~]+"
NAME = r"[A-Za-z][A-Za-z0-9_]*"


class Key(NamedTuple):
    """What a key says, whether it must be there, and the pattern of its whole text; without a pattern any text will do."""

    says: str
    required: bool = False
    pattern: str = ""


POD_KEYS = {
    "title": Key("Shown in lists."),
    "base_url": Key(
        "Scheme and host of the API, such as https://api.in.kaleyra.io; the path is added.", True, BASE_URL
    ),
    "embedded": Key("true: kshell's simulator answers, without a network.", pattern="true|false"),
    "proxy": Key("A proxy of yours, http://HOST:PORT; none is taken from the environment.", pattern=BASE_URL),
}
ACCOUNT_KEYS = {
    "title": Key("Shown in lists."),
    "pod": Key("The pod that the account sends to: its file's name without .yaml.", True),
    "sid": Key("The account's SID.", True, SEGMENT),
    "api_key": Key("Where the API key is: env:NAME, file:PATH or keyring:SERVICE/USER.", True),
    "phone_number": Key("The WhatsApp business number that sends, with + and country code.", True, NUMBER),
    "template": Key("The template of its messages; auth, unless another is named."),
    "variables": Key("Values of the template's variables: NAME: VALUE."),
    "otp": Key("How codes are generated."),
    "approved": Key("The templates that WhatsApp approved, each with its languages: {auth1: [en_US, hi]}."),
}
OTP_KEYS = {
    "length": Key("The number of characters."),
    "alphabet": Key("The characters that a code has."),
}
HEADER_KEYS = {
    "title": Key("Shown in lists."),
    "variables": Key("The template's variables by name. Without it every name that the template reads is required."),
}
VARIABLE_KEYS = {
    "help": Key("Shown in lists and by completion."),
    "default": Key("Its value if none is set."),
    "required": Key("Whether it must be set; true without a default.", pattern="true|false"),
    "type": Key("integer: written without quotes in the payload.", pattern="text|integer"),
}
