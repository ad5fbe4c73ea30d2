"""How wide the screen is, when COLUMNS says something that no screen can be."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

NARROWEST, WIDEST = 60, 1000
_VARIABLE = "COLUMNS"
# What was set before; a sender that is run gets it back.
_before: dict[str, str] = {}


@contextmanager
def sane_width() -> Iterator[None]:
    """Have COLUMNS say a width that tables fit into, or nothing; what it said stands again in the end."""
    text = os.environ.get(_VARIABLE)
    if text is not None and (sane := _sane(text)) != text:
        _before[_VARIABLE] = os.environ.pop(_VARIABLE)
        if sane is not None:
            os.environ[_VARIABLE] = sane
    try:
        yield
    finally:
        if _before:
            os.environ.update(_before)
            _before.clear()


def given_environment() -> dict[str, str]:
    """Return the environment as it was given to this process."""
    return {**os.environ, **_before}


def _sane(text: str) -> str | None:
    columns = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    return str(max(columns, NARROWEST)) if 0 < columns <= WIDEST else None
