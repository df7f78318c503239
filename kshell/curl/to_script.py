"""A curl command -> the lines of a script that makes the same request, and what could not be understood.

The way back from ``snippets.curl``. The key is in nothing that this module returns but as a reference.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from kshell.api.endpoints import ENDPOINTS, FIELDS, KEY_HEADERS, read_url
from kshell.api.payload import texts_at, token
from kshell.core.errors import KshellError, Place, ScriptError, UsageError, listed
from kshell.core.json_text import dumps
from kshell.core.models import DEFAULT_KEY_VARIABLE, Secret
from kshell.curl.options import BODIES, STAND_IN, Options, headers, is_file, parse, unused
from kshell.curl.options import values as values_of
from kshell.curl.words import Oddity, Word, split
from kshell.profiles.profiles import load_account, load_pod
from kshell.syntax.lines import quote
from kshell.templating import templates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kshell.api.request import Address
    from kshell.core.models import Account, Json, Payload, Pod, Template
    from kshell.profiles.files import Kind, Places

_REFERENCE = re.compile(r"\$\{?(?:env:)?(\w+)\}?|%(\w+)%|\{\{(\w+)\}\}|<([\w -]+)>")
_LIKE_A_KEY = re.compile(r"(?=(?:\D*\d){4})\w{20,}")  # a variable's name is shorter, or has fewer digits
_PLACEHOLDER = re.compile(r"<[A-Za-z][\w -]*>")
_BARE_PLACEHOLDER = re.compile(r"([:,\[]\s*)(<[A-Za-z][\w -]*>)(?=\s*[,\]}])")


class Copied(NamedTuple):
    """What a curl command says. ``key`` is the reference to a key, or the key itself as a literal; None without one.

    ``address`` is None if the URL is not this API's. ``payload`` is None if the endpoint takes none.
    ``placeholders`` are those of the address and the key, such as the page's ``<sid>``, which are to be filled in.
    """

    address: Address | None
    url: str
    at: Place
    placeholders: tuple[str, ...]
    key: Secret | None
    payload: Payload | None
    notes: tuple[Oddity, ...]


class Found(NamedTuple):
    """The account that a command was made for, and the pod of its host; None where there is none."""

    account: Account | None
    pod: Pod | None


class Imported(NamedTuple):
    """``template`` is one that exists, or None where ``source`` suggests a new one; ``values`` fill it.

    ``unfilled`` are its variables for which the command has placeholders, each with its own.
    """

    copied: Copied
    found: Found
    template: Template | None
    source: str
    values: Mapping[str, str]
    unfilled: Mapping[str, str]


def read_curl(text: str, file: str) -> Copied:
    """What a command says. Raises ``ScriptError`` where it is no curl command for this API."""
    words, oddities = split(text)
    fatal = next((odd for odd in oddities if odd.fatal), None)
    if fatal:
        # without the line itself: it may hold the key
        raise ScriptError(fatal.message, hint=fatal.fix, at=Place(file, fatal.line, fatal.column))
    if not words or not re.search(r"(^|[/\\])curl(\.exe)?$", words[0].text):
        raise ScriptError("this is no curl command", hint=_instead(text))
    options = parse(words[1:])
    url = _url(options)
    address = read_url(url.text)
    endpoint = address.endpoint if address else ENDPOINTS[0]
    foreign = () if address else (url.oddity("a URL that is not this API's", "look at kshell pods"),)
    return Copied(
        address,
        url.text,
        Place(file, url.line, url.column),
        _placeholders(url, options),
        _key(options),
        _payload(options, file) if endpoint.takes_payload else None,
        (*oddities, *unused(options, endpoint), *foreign),
    )


def _instead(text: str) -> str:
    if re.search(r"Invoke-(WebRequest|RestMethod)", text):
        return "PowerShell's own commands are not read: copy it as curl, for bash or for cmd"
    return "a command begins with curl; kshell curl prints one"


def _placeholders(url: Word, options: Options) -> tuple[str, ...]:
    """Those of the URL, and with them the key's: alone it is a reference as any other."""
    found = [match[0] for match in STAND_IN.finditer(url.text)]
    keys = [value for name, value, _ in headers(options) if name in KEY_HEADERS and _PLACEHOLDER.fullmatch(value)]
    return tuple(dict.fromkeys([*found, *keys])) if found else ()


def _url(options: Options) -> Word:
    urls = values_of(options, "--url")
    if not urls:
        raise ScriptError(
            "there is no URL in the command", hint="the page's is https://<api_domain>/v2/<sid>/…/messages"
        )
    return urls[0]


def _key(options: Options) -> Secret | None:
    for name, value, _ in headers(options):
        if name in KEY_HEADERS:
            reference = _REFERENCE.fullmatch(value)
            variable = reference and (reference[1] or reference[2] or reference[3] or DEFAULT_KEY_VARIABLE)
            # a $ before the key itself is a slip of the pen
            if not variable or _LIKE_A_KEY.search(variable):
                return Secret("literal", value)
            return Secret("env", variable)
    return None


def _payload(options: Options, file: str) -> Payload:
    bodies = [(name, word) for name, word in options if name in BODIES]
    if not bodies:
        raise ScriptError("there is no payload in the command", hint="it is what stands behind --data-raw or -d")
    text = "&".join(word.text for _, word in bodies)
    if is_file(*bodies[0]):
        raise ScriptError(
            f"the payload stands in another file, {text[1:]}", hint="put it in the command: --data-raw '{…}'"
        )
    try:
        # the page's Request Format has <index_value> without quotes
        payload = json.loads(_BARE_PLACEHOLDER.sub(r'\1"\2"', text), strict=False)
    except (ValueError, RecursionError) as error:
        first = bodies[0][1]
        at = Place(file, *first.place(min(getattr(error, "pos", 0), len(first.text))))
        why = getattr(error, "msg", "it cannot be read")
        raise ScriptError(f"the payload is not JSON: {why}", hint="look at its quotes and commas", at=at) from None
    if not isinstance(payload, dict):
        raise ScriptError("the payload is not a JSON object", hint="a payload begins with { and ends with }")
    return cast("Payload", payload)


# ---- whose it is

Thing = TypeVar("Thing")


def find(copied: Copied, places: Places, preferred: str) -> Found:
    """The account whose host, SID and number are the command's; of several the one with its key, then ``preferred``."""
    pods = _readable(places, "pod", load_pod)
    address = copied.address
    if address is None:
        return Found(None, None)
    here = next((pod for pod in pods if pod.base_url.lower() == address.base_url), None)
    same = [it for it in _readable(places, "account", load_account) if address.is_of(it)]
    ranked = sorted(
        same, key=lambda it: (here is None or it.pod != here.name, it.api_key != copied.key, it.name != preferred)
    )
    return Found(ranked[0] if ranked else None, here)


def _readable(places: Places, kind: Kind, load: Callable[[Places, str], Thing]) -> list[Thing]:
    """Every thing of a kind that can be read; what cannot be is ``kshell accounts`` and its sisters' to say."""
    found: list[Thing] = []
    for name in places.names(kind):
        with suppress(KshellError):
            found.append(load(places, name))
    return found


# ---- which template makes it, filled with what


def understand(copied: Copied, found: Found, places: Places) -> Imported:
    """The template and the values that make the payload; or a new template for it."""
    if copied.payload is None:
        return Imported(copied, found, None, "", {}, {})
    known = _readable(places, "template", templates.load_template)
    first = found.account.template if found.account else "auth"
    for template in sorted(known, key=lambda it: it.name != first):
        values = recover(template, copied.payload)
        if values is not None:
            return Imported(copied, found, template, "", *_filled(values))
    source, values = new_template(copied.payload)
    return Imported(copied, found, None, source, *_filled(values))


def recover(template: Template, payload: Payload) -> dict[str, str] | None:
    """The values with which ``template`` renders to ``payload``, or None where there are none."""
    markers = {variable.name: f"{_OPEN}{variable.name}{_CLOSE}" for variable in template.variables}
    values: dict[str, str] = {}
    try:
        skeleton = templates.render(template, markers)
        payload = cast("Payload", _settled(skeleton, payload))
        _compare(skeleton, payload, values)
        rendered = templates.render(template, values)
    except KshellError:
        return None
    if not _same(rendered, payload):
        return None
    return {variable.name: values[variable.name] for variable in template.variables if variable.name in values}


_OPEN, _CLOSE = "\ue000", "\ue001"  # of the private use area
_MARKER = re.compile(f"{_OPEN}(\\w+){_CLOSE}")
_CODE_MASKED, _CODE_MASKED_AGAIN = "J$FpXXXX", "J$FXXXXp"  # the page's sample masks its one code in two ways


def _settled(skeleton: Json, value: Json) -> Json:
    """Return ``value`` without what only the page writes: placeholders like ``<type>``, a second mask of one code."""
    if isinstance(skeleton, dict) and isinstance(value, dict):
        return {name: _settled(skeleton.get(name), item) for name, item in value.items()}
    if isinstance(skeleton, list) and isinstance(value, list) and len(skeleton) == len(value):
        return [_settled(inner, item) for inner, item in zip(skeleton, value, strict=True)]
    if value == _CODE_MASKED_AGAIN:
        return _CODE_MASKED
    if not isinstance(value, str) or not _PLACEHOLDER.fullmatch(value):
        return value
    marked = not isinstance(skeleton, str) or _MARKER.search(skeleton)
    return value.replace("-", "_") if marked else skeleton  # the page has <one-time-password> and <one_time_password>


def _compare(skeleton: Json, value: Json, values: dict[str, str]) -> None:
    """Read off ``value`` what stands where ``skeleton`` has markers; the first place of a variable decides."""
    if isinstance(skeleton, dict) and isinstance(value, dict):
        for name in filter(value.__contains__, skeleton):  # a set would have no order
            _compare(skeleton[name], value[name], values)
    elif isinstance(skeleton, list) and isinstance(value, list):
        for inner, item in zip(skeleton, value, strict=False):
            _compare(inner, item, values)
    elif isinstance(skeleton, str) and isinstance(value, str | int) and not isinstance(value, bool):
        _read_off(skeleton, str(value), values)


def _read_off(skeleton: str, text: str, values: dict[str, str]) -> None:
    fixed = _MARKER.split(skeleton)  # text and names by turns
    pattern = "".join(re.escape(piece) if index % 2 == 0 else "(.*)" for index, piece in enumerate(fixed))
    match = re.fullmatch(pattern, text, re.DOTALL)
    for name, found in zip(fixed[1::2], match.groups() if match else (), strict=False):
        values.setdefault(name, found)


def _same(one: Json, other: Json) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _filled(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The values, and apart from them the placeholders."""
    unfilled = {name: text for name, text in values.items() if _PLACEHOLDER.fullmatch(text)}
    return {name: text for name, text in values.items() if name not in unfilled}, unfilled


# ---- a new template


def new_template(payload: Payload) -> tuple[str, dict[str, str]]:
    """A template for ``payload``, whose variables stand where the page's fields do; and the values it has here."""
    spots = dict(_spots(payload))
    values: dict[str, str] = {}
    body = _with_variables(payload, "", spots, values)
    header = "".join(f"  {name}: {{help: {dumps(_help(name))}}}\n" for name in values)
    text = dumps(body, avoid="{")
    for name in values:
        text = text.replace(dumps(f"{_OPEN}{name}{_CLOSE}"), f'"{{{{ {name} }}}}"')
    title = "{#\ntitle: A message imported from a curl command\n"
    return f"{title}{'variables:' if values else 'variables: {}'}\n{header}#}}\n{text}\n", values


def _spots(payload: Payload) -> Iterator[tuple[str, str]]:
    """(pointer, variable) of every place that a field of the page gives a variable's value; text only."""
    for field in FIELDS:
        if field.variable and field.kind == "text":
            yield from ((pointer, field.variable) for pointer, _ in texts_at(payload, [field.pointer]))


def _with_variables(value: Json, pointer: str, spots: Mapping[str, str], values: dict[str, str]) -> Json:
    if isinstance(value, dict):
        return {name: _with_variables(item, f"{pointer}/{token(name)}", spots, values) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_variables(item, f"{pointer}/{index}", spots, values) for index, item in enumerate(value)]
    name = spots.get(pointer, "")
    if not name or not isinstance(value, str) or values.setdefault(name, value) != value:
        return value
    return f"{_OPEN}{name}{_CLOSE}"


def _help(name: str) -> str:
    return next(field.name.replace("_", " ") for field in FIELDS if field.variable == name)


# ---- what is printed and written


def script(imported: Imported, template: str) -> list[str]:
    """The lines that ``run`` takes. ``template`` is the name that a new one was given; empty where it is not written."""
    account, pod = imported.found
    lines: list[str] = []
    if account:
        lines.append(f"use account {account.name}")
        if pod and pod.name != account.pod:
            lines.append(f"use pod {pod.name}")
    name = imported.template.name if imported.template else template
    if name not in ("", account.template if account else "auth"):
        lines.append(f"use template {name}")
    set_already = _set_already(imported)
    words = [f"{name}={quote(text)}" for name, text in imported.values.items() if set_already.get(name) != text]
    return [*lines, f"set {' '.join(words)}"] if words else lines


def _set_already(imported: Imported) -> dict[str, str]:
    """What holds without a word: the template's defaults and the account's variables."""
    variables = imported.template.variables if imported.template else ()
    defaults = {variable.name: variable.default for variable in variables if variable.default is not None}
    return {**defaults, **(imported.found.account.variables if imported.found.account else {})}


def left_over(imported: Imported) -> list[str]:
    """Variables that the account sets and the command has no place for: the script would send them."""
    account, template = imported.found.account, imported.template
    if not account or not template:
        return []
    known = {**imported.values, **imported.unfilled}
    return [name for name in account.variables if template.variable(name) and name not in known]


PERSONAL = {field.variable for field in FIELDS if field.variable and (field.role or field.kept)}
"""The variables that change with every message, so that no account has them: recipient, code, references."""


def account_text(imported: Imported, template: str) -> str:
    """The account's file: all of it but the key, to which it refers. Raises ``UsageError`` where the host is no pod's.

    Raises ``ScriptError`` for a form, whose placeholders are no account's.
    """
    address, pod = imported.copied.address, imported.found.pod
    if imported.copied.placeholders:
        raise ScriptError(
            f"a form, whose placeholders are no account's: {listed(imported.copied.placeholders)}",
            hint="write your own there and import it again; or type kshell init, which asks for them",
            at=imported.copied.at,
        )
    if address is None or pod is None:
        base = address.base_url if address else "the command, which is not this API's,"
        raise UsageError(
            f"no pod has the host of {base}",
            hint="write one: a file profiles/pods/NAME.yaml with the line base_url: https://HOST",
        )
    key = imported.copied.key
    variables = {name: text for name, text in imported.values.items() if name not in PERSONAL}
    rows = {
        "title": "Imported from a curl command",
        "pod": pod.name,
        "sid": address.value("sid"),
        "api_key": f"env:{key.variable if key else DEFAULT_KEY_VARIABLE}",
        "phone_number": address.value("phone_number"),
        "template": imported.template.name if imported.template else template or "auth",
    }
    lines = [f"{name}: {dumps(text)}" for name, text in rows.items()]
    lines += ["variables:", *(f"  {name}: {dumps(text)}" for name, text in variables.items())] if variables else []
    return "\n".join((*lines, ""))
