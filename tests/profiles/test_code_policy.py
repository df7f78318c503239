"""One-time passwords: made by an account's policy, from the system's secure source."""

from __future__ import annotations

import secrets

import pytest

from kshell.core.models import OtpPolicy
from kshell.profiles.code_policy import ALPHABETS, generate


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("length", [1, 6, 15])
def test_a_code_follows_its_policy(alphabet, length):
    """As long as the policy says, of its alphabet's characters only."""
    code = generate(OtpPolicy(length, alphabet))
    assert len(code) == length
    assert set(code) <= set(ALPHABETS[alphabet])


def test_a_policy_is_six_digits_unless_it_says_otherwise():
    """The default policy."""
    assert OtpPolicy() == (6, "digits")


def test_every_character_comes_from_the_secure_source(monkeypatch):
    """Each character is one draw of the module secrets from the whole alphabet."""
    drawn: list[str] = []

    def choice(alphabet: str) -> str:
        drawn.append(alphabet)
        return alphabet[len(drawn)]

    monkeypatch.setattr(secrets, "choice", choice)
    assert generate(OtpPolicy(4, "digits")) == "1234"
    assert drawn == ["0123456789"] * 4


def test_codes_differ():
    """A hundred codes of fifteen characters are a hundred codes, and every digit begins one of a thousand."""
    policy = OtpPolicy(15, "digits")
    assert len({generate(policy) for _ in range(100)}) == 100
    assert {generate(OtpPolicy())[0] for _ in range(1000)} == set("0123456789")


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_an_alphabet_holds_a_character_once(alphabet):
    """No character is likelier than another."""
    assert len(set(ALPHABETS[alphabet])) == len(ALPHABETS[alphabet])


def test_the_unambiguous_alphabet_has_nothing_that_looks_like_another():
    """No zero and O, no one, I and L."""
    assert not set("01OIL") & set(ALPHABETS["unambiguous"])
