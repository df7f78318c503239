"""The texts of a row are masked all at once, and give what masking each of them alone gives."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kshell.core.json_text import dumps
from kshell.privacy.common_texts import CommonTexts
from kshell.privacy.json_pieces import JsonPieces
from kshell.privacy.numbers import numbers_in, without_numbers
from kshell.privacy.privacy import Privacy
from kshell.privacy.values import Private

SENDER = Private("NUMBER", "+15005550000")
KEYS = [Private("KEY", "Bsecond'\"\\/+%&=$7f3d9yek"), Private("KEY", "Asandbox0000")]
CODES = ["482913", "0042", "7", "api", "58-213-974", "ZWVBmtk", 'J"F\\pq', "CODE", "4829131234"]
NUMBERS = ["+919812345678", "+91 98123 45678", "919812345678", "+4829130042"]


def packed(text: str, before: int) -> str:
    """Return ``text`` in base64, behind some other bytes."""
    return base64.b64encode(b"x" * before + text.encode()).decode()


def spelled(text: str, how: int) -> str:
    """Return ``text`` in one of many spellings."""
    return (
        text,
        text.upper(),
        json.dumps(text)[1:-1],
        quote(text, safe=""),
        quote(quote(text, safe=""), safe=""),
        "".join(f"%{byte:02x}" for byte in text.encode()),
        "".join(f"\\u{ord(character):04x}" for character in text),
        text.encode().hex(),
        *(packed(text, before) for before in range(3)),
        packed(text, 1).lower().replace("+", "-").replace("/", "_"),
        " ".join(text),
        "-".join(text),
        f"{text[:3]}CODE-4f0c2a9d1b37{text[3:]}",
        f"otp={text}",
        f"'{text[:2]}'\"{text[2:]}\"",
        text[1:],
        text[:-1],
    )[how % 19]


rarely = st.sampled_from(
    ["\n\0\n", "\0", "\n", '"', "\\", "%", "\x1b", "\ud800", "·", "1", "42", "127.0.0.1:8255", ":", ","]
)
fragments = st.one_of(
    st.sampled_from(["", "code", "text", "sub_type", "Accepted", "nobody's", "(code)", "(redacted)", "en_US", "otp "]),
    st.builds(
        spelled, st.sampled_from([*CODES, *NUMBERS, *(value.text for value in (*KEYS, SENDER))]), st.integers(0, 18)
    ),
    rarely,
)
texts = st.lists(fragments, max_size=3).map("".join)
integers = st.sampled_from([7, 202, -482, 482913, 919812345678, 1763874518, 42])
values = st.recursive(
    st.one_of(texts, texts, integers, st.sampled_from([None, True, 0.25, 1763874518.5])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
rows = st.fixed_dictionaries(
    {
        "code": st.sampled_from(CODES).map(lambda text: Private("CODE", text)),
        "to": st.sampled_from(NUMBERS).map(lambda text: Private("NUMBER", text)),
        "key": st.sampled_from(KEYS),
        "own": st.dictionaries(texts, values, max_size=3),
        "id": st.sampled_from(["", "A545D9E7107F9E656013", "919812345678", "447700900199"]),
    }
)
constants = st.lists(texts, min_size=8, max_size=12)


def typed(text: str) -> list[tuple[str, str]]:
    """Return a text as a word in quotes, with the text that the quotes hold."""
    return [(f"'{text[:2]}'\"{text[2:]}\"", text)]


def privacy_of(row: dict[str, Any]) -> Privacy:
    """Return what is private in a row."""
    private = [row["key"], row["code"], row["to"], SENDER]
    return Privacy(private, message_ids={row["id"]}, typed=typed(row["code"].text))


@given(constants, st.lists(rows, min_size=3, max_size=6))
def test_a_row_is_masked_as_each_of_its_texts_alone(common, generated):
    """The document and the lines of a row are the same text whether masked at once, after other rows, or each part alone."""
    known = CommonTexts()
    for row in generated:
        document = {"common": common, "names": dict.fromkeys(common, 1), "code": row["code"].text, "own": row["own"]}
        pieces, quick, slow = JsonPieces(document), privacy_of(row), privacy_of(row)
        lines = [word for pair in typed(row["code"].text) for word in pair] + [f"send {common[0]}", row["id"]]
        changed = quick.learn({*lines, *pieces.texts}, known.masks({*lines, *pieces.texts}, quick)) | known.changed
        assert pieces.masked(quick, changed) == dumps(slow.mask_json(document), indent=None)
        assert [*map(quick.mask, [*lines, *common])] == [*map(slow.mask, [*lines, *common])]


@pytest.mark.parametrize(
    ("code", "document"),
    [
        (",", {"a": ",", "b": "x", "c": "y"}),
        ("code", {"a": "code", "b": "(code)"}),
        ("api", {"api": "api"}),
        ("482913", {"a": 482913}),
        ("api", {"a": 'x"api', "b": "api"}),
    ],
    ids=["what is between texts", "a mask that is masked", "a name", "an integer", "a part in a quotation mark"],
)
def test_a_text_is_not_replaced_where_it_is_no_text(code, document):
    """A JSON text is masked as its value is, also where a private text has the spelling of another part of it."""
    privacy = Privacy([Private("CODE", code)])
    pieces = JsonPieces(document)
    changed = privacy.learn(set(pieces.texts), {})
    assert pieces.masked(privacy, changed) == dumps(privacy.mask_json(document), indent=None)


LATER = [
    ("in 48/29_13", Private("CODE", "482913"), ""),
    ("in 12%2048%2F29 13", Private("CODE", "482913"), ""),
    ("12.58.21.39.74", Private("CODE", "58-213-974"), ""),
    ("x91%2f98123%2f45678", Private("NUMBER", "+919812345678"), ""),
    ("x91/98123+45678", Private("NUMBER", "+919812345678"), ""),
    (packed("482913", 3).lower(), Private("CODE", "482913"), ""),
    (f"x{b'482913'.hex()}", Private("CODE", "482913"), ""),
    ("<MDA0Mg==>", Private("CODE", "0042"), ""),
    ("447700900199", Private("CODE", "482913"), "447700900199"),
    ("+15XXXXXXX00", Private("CODE", "5XXXX"), ""),
    (packed("+15005550000", 0), Private("CODE", "numbe"), ""),
]


@pytest.mark.parametrize(("text", "value", "message_id"), LATER)
def test_a_common_text_is_searched_for_the_values_of_each_row(text, value, message_id):
    """A text that many rows have is masked anew for a row whose own value is in it, in any spelling."""
    known = CommonTexts()
    for code in ("571608", "571609", "571610"):
        before = known.masks({text}, Privacy([SENDER, Private("CODE", code)]))
    privacy, alone = (Privacy([SENDER, value], message_ids={message_id}) for _ in range(2))
    privacy.learn({text}, known.masks({text}, privacy))
    assert text in before
    assert privacy.mask(text) == alone.mask(text) != before[text]


@given(
    st.from_regex(r"\+{0,2}[0-9]{3,16}", fullmatch=True), st.sampled_from(["CODE", "NUMBER", "KEY"]), st.integers(0, 2)
)
def test_a_common_text_is_masked_anew_for_each_spelling_of_a_value(digits, kind, before):
    """A number or a code that is in a common text is found there as it is, in hexadecimal and in base64 at any offset."""
    value = Private(kind, digits)
    spellings = [*value.forms().values(), digits.encode().hex(), packed(digits, before), packed(digits, before).lower()]
    for text in (f"<{spelling}>" for spelling in spellings):
        known = CommonTexts()
        for _ in range(3):
            known.masks({text}, Privacy([SENDER]))
        privacy = Privacy([SENDER, value])
        privacy.learn({text}, known.masks({text}, privacy))
        assert privacy.mask(text) == Privacy([SENDER, value]).mask(text)


@given(
    st.lists(
        st.sampled_from([*"0123456789", "+", " ", "-", "(", "/", "%20", "%2B", "\\u002b", "x", ".", "\n"]), max_size=20
    )
)
def test_a_number_is_masked_if_it_is_one(pieces):
    """A text is changed exactly if a part of it has the form of a phone number."""
    text = "".join(pieces)
    assert (without_numbers(text) != text) == bool(numbers_in(text))
