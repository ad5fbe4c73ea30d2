"""Another name for a person in JSON that others wrote: only texts change, so that all else stays what it says.

A user id may be `8` or `53`: as a number, a part of a time or the name of a field, that is nobody.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ledger.core.persons.person import mentions_of

_FIELD = re.compile("[A-Za-z_]+")


def renaming(user: str, pseudonym: str) -> Callable[[str], str]:
    """Return what gives a user another name in a JSON document; it leaves one as it is that does not name them."""
    pattern = mentions_of(user)

    def in_text(text: str) -> str:
        if text.lstrip().startswith(("{", "[")):
            # What is no JSON, or too deep to be any of ours, is a text.
            with suppress(ValueError, RecursionError):
                changed = in_value(found := json.loads(text))
                return text if changed == found else json.dumps(changed, separators=(",", ":"))
        return pattern.sub(pseudonym, text)

    def in_value(value: Any, field: str = "") -> Any:
        match value:
            case str():
                return in_text(value)
            case list():
                return [in_value(one, field) for one in value]
            case dict():
                return {_renamed_field(name, in_text): in_value(one, name) for name, one in value.items()}
            # Senders that write ids as numbers are refused, and their rows kept.
            case int() if str(value) == user and field.lower().startswith("user"):
                return pseudonym
        return value

    return in_text


def _renamed_field(name: str, in_text: Callable[[str], str]) -> str:
    return name if _FIELD.fullmatch(name) else in_text(name)
