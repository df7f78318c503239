"""Why a cassette has no answer to a request: the nearest recorded request, and every fact that differs.

A cassette has only the pseudonym of a code. It may replace a part of any text, because a short code can be in a host or a
name by chance. So a fact does not differ if it could have been equal before its codes were replaced.
"""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from kshell.core.models import Request
from kshell.privacy.privacy import Privacy
from kshell.privacy.pseudonyms import Pseudonyms
from kshell.privacy.values import SHORTEST, Private
from kshell.transport.tape_requests import Facts, facts_of, kept_request

_CODE = re.compile(r"(CODE-(?:[0-9a-f]{12}|generated[0-9]{4})(?:-(?:escaped|json|url|base))?)")
_UNCERTAIN = re.compile("generated|-[a-z]+$")  # such a pseudonym cannot be compared with a code
_MOST_CODES = 3  # in one fact
_MOST_DIFFERENCES = 6  # that a message names


class RequestFact(NamedTuple):
    """One fact of a request, three times as (name, text): ``hidden`` to compare, ``plain`` with codes, ``shown`` to print."""

    hidden: tuple[str, str]
    plain: tuple[str, str]
    shown: tuple[str, str]


def why_missing(recorded: Sequence[Facts], request: Request, privacy: Privacy, names: Pseudonyms) -> str:
    """Return what follows ``the cassette FILE`` in the error: ``has no such request; nearest is …``."""
    if not recorded:
        return "is empty"
    request_facts = _request_facts(request, privacy, names)
    number, differing = min(
        ((number, _differences(facts, request_facts, names)) for number, facts in enumerate(recorded, 1)),
        key=lambda candidate: len(candidate[1]),
    )
    if not differing:
        return "has no further answer to this request"
    restored = Privacy(_short_codes(privacy)).restorer(names)
    what = "; ".join(
        f"{name} was {before if _is_code(before) else restored(before)}, now {now}"
        for name, before, now in differing[:_MOST_DIFFERENCES]
    )
    more = len(differing) - _MOST_DIFFERENCES
    return f"has no such request; nearest is its request {number}: {what}" + (f"; and {more} more" if more > 0 else "")


def _request_facts(request: Request, privacy: Privacy, names: Pseudonyms) -> list[RequestFact]:
    """Return the facts of a request. A text that contains a short code by chance is shown unchanged."""
    short = _short_codes(privacy)
    no_codes = Privacy(value for value in privacy.values if value.kind != "CODE")
    no_short_codes = Privacy(value for value in privacy.values if value not in short)
    versions = (
        facts_of(kept_request(request, hidden.hider(names))).items() for hidden in (privacy, no_codes, no_short_codes)
    )
    whole = {json.dumps(code.text) for code in privacy.values if code.kind == "CODE"}
    request_facts = [RequestFact(*facts) for facts in zip(*versions, strict=False)]
    return [fact._replace(shown=fact.hidden) if fact.plain[1] in whole else fact for fact in request_facts]


def _short_codes(privacy: Privacy) -> list[Private]:
    return [value for value in privacy.values if value.kind == "CODE" and len(value.text) < SHORTEST]


def _differences(recorded: Facts, request_facts: list[RequestFact], names: Pseudonyms) -> list[tuple[str, str, str]]:
    """Return (name, recorded text, text now) of every fact that differs.

    A recorded fact may have another name than the one in the request: a code may be a part of a name, too.
    """
    left = dict(recorded)
    unequal = [fact for fact in request_facts if left.get(fact.hidden[0]) != fact.hidden[1]]
    for fact in request_facts:
        if fact not in unequal:
            del left[fact.hidden[0]]
    different: list[tuple[str, str, str]] = []
    for fact in unequal:
        twin = next((kept for kept in left.items() if _could_be(kept, fact.plain, names)), None)
        if twin:
            del left[twin[0]]
        else:
            different.append((fact.plain[0], left.pop(fact.hidden[0], "nothing"), fact.shown[1]))
    return different + [(name, text, "nothing") for name, text in left.items()]


def _could_be(kept: tuple[str, str], plain: tuple[str, str], names: Pseudonyms) -> bool:
    """Whether a recorded fact may have been ``plain`` before the codes in it were replaced."""
    return all(was == now or _stands_for(was, now, names) for was, now in zip(kept, plain, strict=True))


def _is_code(text: str) -> bool:
    return _CODE.fullmatch(text.strip('"')) is not None


def _stands_for(kept: str, plain: str, names: Pseudonyms) -> bool:
    pieces = _CODE.split(kept)  # texts and pseudonyms by turns
    codes = list(dict.fromkeys(pieces[1::2]))
    if not 0 < len(codes) <= _MOST_CODES:
        return False
    groups = {code: f"(?P<code{number}>.+?)" for number, code in enumerate(codes)}
    pattern = ""
    for position, piece in enumerate(pieces):
        pattern += re.escape(piece) if position % 2 == 0 else groups[piece]
        if position % 2:
            groups[piece] = f"(?P=code{codes.index(piece)})"
    match = re.fullmatch(pattern, plain, re.DOTALL)
    alone = not "".join(pieces[::2]).strip('"')
    return match is not None and all(
        names.of(Private("CODE", text)) == code or (_UNCERTAIN.search(code) is not None and not alone)
        for code, text in zip(codes, match.groups(), strict=True)
    )
