"""The texts that errors are made of."""

from __future__ import annotations

import pytest

from kshell.core.errors import listed


@pytest.mark.parametrize(
    ("names", "text"),
    [("", "none"), ("a", "a"), ("abc", "a, b, c"), ("abcd", "a, b and 2 more")],
)
def test_one_name_more_is_printed_and_several_are_counted(names: str, text: str) -> None:
    """A list for two names prints a third one, which is shorter than its count, and counts two and more beyond the second."""
    assert listed(names, most=2) == text
