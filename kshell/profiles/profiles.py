"""Read a profile: a YAML file becomes a ``Pod`` or an ``Account``, or raises one clear error with its position.

``keys`` has the keys of a profile. ``files`` finds its file; ``api_key`` reads the API key that it refers to.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from kshell.api.authentication.fields import OTP_LIMIT
from kshell.core.errors import KshellError, ProfileError, did_you_mean, listed
from kshell.core.models import Account, Origin, OtpPolicy, Pod, Reference, Secret, is_loopback
from kshell.profiles.api_key import SCHEMES, header_fault
from kshell.profiles.code_policy import ALPHABETS
from kshell.profiles.files import Kind, Places, read_text, shown
from kshell.profiles.keys import ACCOUNT_KEYS, BASE_URL, NAME, NUMBER, OTP_KEYS, POD_KEYS, SEGMENT
from kshell.profiles.strict_yaml import Table, document, named

# the name of a variable: after a $, or in capitals; a key has small letters or digits
_VARIABLE = r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?|([A-Z]+|[A-Z][A-Z0-9]*_[A-Z0-9_]*)"
_APPROVED = "approved: {auth1: [en_US, hi]}"
Profile = TypeVar("Profile")
SID_HINT = "a SID looks like HXAP1698765497IN; your Kaleyra account shows it"


def load_pod(places: Places, name: str) -> Pod:
    """Return the pod called ``name``. Raises ``ProfileError``."""
    return read_pod(name, places.find("pod", name))


def read_pod(name: str, origin: Origin) -> Pod:
    """Return the pod that a file describes. Raises ``ProfileError``."""
    text = read_text(origin.file, ProfileError)
    table = _table(origin.file, text, "a pod", POD_KEYS)
    return Pod(
        name=name,
        title=table.text("title", ""),
        base_url=_base_url(table),
        embedded=table.flag("embedded", default=False),
        proxy=_proxy(table),
        origin=origin,
        text=text,
    )


def load_account(places: Places, name: str) -> Account:
    """Return the account called ``name``. Its pod and template are not looked up. Raises ``ProfileError``."""
    origin = places.find("account", name)
    table = _table(origin.file, read_text(origin.file, ProfileError), "an account", ACCOUNT_KEYS)
    return Account(
        name=name,
        title=table.text("title", ""),
        pod=_reference(table, "pod"),
        sid=_sid(table),
        api_key=_api_key(table),
        phone_number=_phone_number(table),
        template=_reference(table, "template", "auth"),
        variables=_variables(table),
        otp=_otp_policy(table),
        origin=origin,
        approved=_approved(table),
    )


def readable(places: Places, kind: Kind, load: Callable[[Places, str], Profile]) -> list[Profile]:
    """Return what ``load`` makes of each file of a kind, without those that it cannot read."""
    profiles: list[Profile] = []
    for name in places.names(kind):
        with suppress(KshellError):
            profiles.append(load(places, name))
    return profiles


def shipped_pods(shipped: Path) -> list[Pod]:
    """Return the pods of the folder of shipped files."""
    return readable(Places(None, shipped, shipped, shipped), "pod", load_pod)


def read_approved(file: Path) -> dict[str, tuple[str, ...]]:
    """Return what ``approved:`` lists in an account's file, which may have that key alone. Raises ``ProfileError``."""
    table = _table(file, read_text(file, ProfileError), "an account", ACCOUNT_KEYS)
    return _approved(table) or table.fail("approved", "no approved templates are listed", f"write {_APPROVED}")


def line_of(account: Account, key: str) -> int:
    """Return the line of the account's file that holds the value of ``key``; 1 if the file has no such key."""
    text = read_text(account.origin.file, ProfileError)
    node = _table(account.origin.file, text, "an account", ACCOUNT_KEYS).get(key)
    return node.line if node else 1


def _table(file: Path, text: str, what: str, known: Iterable[str]) -> Table:
    parsed = document(shown(file), text, ProfileError)
    return Table(parsed, parsed.root, what, known)


def _base_url(table: Table) -> str:
    url = table.text("base_url")
    if not _is_base(url):
        table.fail("base_url", "not a base URL", "write https://HOST or https://HOST:PORT; /v2/… is added to it")
    if url.startswith("http:") and not is_loopback(url):
        table.fail("base_url", "http:// would show the API key to the network", f"write https:{url[5:]}")
    return url.rstrip("/")


def _is_base(url: str) -> bool:
    """Whether ``url`` is a scheme, a host and at most a port: no user, no path, no query."""
    from urllib.parse import urlsplit

    try:
        return re.fullmatch(BASE_URL, url) is not None and urlsplit(url).port != 0
    except ValueError:  # brackets without an address in them, or a port past 65535
        return False


def _proxy(table: Table) -> str:
    proxy = table.text("proxy", "")
    if proxy and not _is_base(proxy):
        table.fail(
            "proxy", "a proxy is http://HOST:PORT or https://HOST:PORT", "write it like this, or remove the line"
        )
    if proxy and table.text("base_url").startswith("http:") and not is_loopback(proxy):
        table.fail(
            "proxy", "a proxy of an http:// pod would see the API key", "remove the line, or write https:// above"
        )
    return proxy


def _reference(table: Table, key: str, default: str | None = None) -> str:
    name = table.text(key, default)
    node = table.get(key)
    return Reference(name, partial(table.document.place, node.line, node.column)) if node else name


def _sid(table: Table) -> str:
    sid = table.text("sid")
    if not re.fullmatch(SEGMENT, sid) or sid in (".", ".."):  # these two would change the URL's path
        fault = (
            f"{sid!r} is not a SID: it is a part of the URL, in ASCII and without spaces" if sid else "the SID is empty"
        )
        table.fail("sid", fault, SID_HINT)
    return sid


def _phone_number(table: Table) -> str:
    number = table.text("phone_number")
    if not re.fullmatch(NUMBER, number):
        hint = "write the business number with + and country code; X may stand for a digit"
        table.fail("phone_number", f"{number!r} is not a phone number in E.164 form", hint)
    return number


def _api_key(table: Table) -> Secret:
    text = table.text("api_key")
    scheme, colon, target = text.partition(":")
    if colon and scheme in SCHEMES:
        pattern, fault = SCHEMES[scheme]
        if not re.fullmatch(pattern, target):
            table.fail("api_key", fault, "api_key is env:NAME, file:PATH, keyring:SERVICE/USER or the key itself")
        return Secret(scheme, target)
    if hint := _reference_hint(text):
        table.fail("api_key", "an api_key that looks like a reference, but is not one", hint)
    if fault := header_fault(text):
        table.fail("api_key", fault, "write api_key: env:NAME and keep the key in the environment")
    return Secret("literal", text)


def _reference_hint(text: str) -> str:
    """Return a hint if ``text`` is nearly a reference, else ``""``. It repeats only capital letters: the rest may be a key."""
    variable = re.fullmatch(_VARIABLE, text)
    scheme, colon, target = ("env", ":", variable[1] or variable[2]) if variable else text.partition(":")
    if not colon:
        return ""
    near = did_you_mean(scheme.lower(), SCHEMES)
    if scheme.lower() != "env":
        return near or ("write api_key: env:NAME" if target.startswith("//") else "")
    return f"write api_key: env:{target if re.fullmatch('[A-Z_]+', target) else 'NAME'}"


def _variables(table: Table) -> dict[str, str]:
    entries = table.mapping("variables", "variables: {NAME: VALUE}")
    for name, (key, _) in entries.items():
        if not re.fullmatch(NAME, name):
            hint = (
                "write NAME: VALUE, with a blank after the colon" if ":" in name else "a name is letters, digits and _"
            )
            table.document.fail_at_key(key, f"{named(key)} cannot name a variable", hint)
    return {
        Reference(name, partial(table.document.place, key.line, key.column)): table.scalar(value, name)
        for name, (key, value) in entries.items()
    }


def _otp_policy(table: Table) -> OtpPolicy:
    node = table.get("otp")
    if node is None:
        return OtpPolicy()
    if isinstance(node.value, str):
        hint = "write otp: {length: 6, alphabet: digits}; a fixed code goes below variables:"
        table.fail("otp", "'otp' is the policy for generated codes", hint)
    policy = Table(table.document, node, "otp", OTP_KEYS)
    length = policy.text("length", "6")
    if not re.fullmatch(r"[1-9][0-9]?", length) or int(length) > OTP_LIMIT:
        policy.fail("length", f"a code has 1 to {OTP_LIMIT} characters, not {length!r}", "write length: 6")
    alphabet = policy.text("alphabet", "digits")
    if alphabet not in ALPHABETS:
        near = did_you_mean(alphabet, ALPHABETS)
        policy.fail("alphabet", f"there is no alphabet {alphabet!r}", near or f"alphabets: {listed(ALPHABETS)}")
    return OtpPolicy(int(length), alphabet)


def _approved(table: Table) -> dict[str, tuple[str, ...]]:
    """Return the languages of each approved template, by its name."""
    approved = {}
    for name, (_, node) in table.mapping("approved", _APPROVED).items():
        if not isinstance(node.value, list) or not node.value:
            shape = node.shape if node.value else "empty"
            table.document.fail(node, f"{name!r} is a list of languages, not {shape}", f"write {_APPROVED}")
        approved[name] = tuple(table.scalar(item, name) for item in node.value)
    return approved
