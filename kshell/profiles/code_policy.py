"""Generate one-time passwords by an account's policy, from the system's secure random source."""

from kshell.core.models import OtpPolicy

_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

ALPHABETS = {
    "digits": _DIGITS,
    "letters": _LETTERS,
    "alphanumeric": _DIGITS + _LETTERS,
    "unambiguous": "23456789ABCDEFGHJKMNPQRSTUVWXYZ",  # no 0 and O, no 1, I and L
}


def generate(policy: OtpPolicy) -> str:
    """Return a new code. Each character is independent and uniformly distributed."""
    from secrets import choice

    alphabet = ALPHABETS[policy.alphabet]
    return "".join(choice(alphabet) for _ in range(policy.length))
