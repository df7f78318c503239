"""The fixture ``kaleyra`` of pytest: a sandbox to test an application against. Nothing else is imported until it is used."""

from __future__ import annotations

import pytest

TYPE_CHECKING = False  # importing typing takes time, and every start of pytest imports this module
if TYPE_CHECKING:
    from collections.abc import Iterator

    from kshell import Sandbox


@pytest.fixture(scope="session")
def _kaleyra_of_the_session() -> Iterator[Sandbox]:
    """Serve one simulator for all tests."""
    import kshell

    with kshell.sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def kaleyra(_kaleyra_of_the_session: Sandbox) -> Iterator[Sandbox]:
    """A simulator of the Kaleyra API on a free port, emptied before the test and without callbacks.

    Configure your application with its ``url``, ``sid``, ``key`` and ``phone_number``, and ask it for ``code_for(number)``.
    """
    _kaleyra_of_the_session.clear()
    yield _kaleyra_of_the_session
    _kaleyra_of_the_session.callbacks_to("")
