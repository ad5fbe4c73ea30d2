"""Values as doors show them: fields by name, times as RFC 3339 in UTC."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from ledger.clock import format_time

_PLAIN = frozenset((str, int, type(None), bool, float))
# A joiner makes one picture of two, as a family is written, and hides nothing; anywhere else it is not seen at all.
_JOINER = "\u200d"
_PICTURE = "[\u2194\u2195\u2600-\u27bf\u2b1b\U0001f300-\U0001faff]"
_BETWEEN_PICTURES = re.compile(f"(?:(?<={_PICTURE})|(?<={_PICTURE}\ufe0f)){_JOINER}(?={_PICTURE})")


def jsonable(value: object) -> Any:
    """Turn a value of ours into what `json.dumps` accepts; times become RFC 3339 in UTC."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, JsonValue):
        return value.to_json()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    return value


def printable(text: str) -> str:
    """Return a text with an escape for what does not print: such letters can hide or turn what stands beside them.

    What joins pictures of people or things to one stays as it is.
    """
    return text if text.isprintable() else _JOINER.join(map(_escaped, _BETWEEN_PICTURES.split(text)))


def _escaped(text: str) -> str:
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def printable_lines(text: str) -> str:
    """Return a text of several lines with an escape for what does not print but its line breaks."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


def printable_json(document: str) -> str:
    """Return a document of JSON that means the same, with an escape for what does not print but its line breaks."""
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in document)


class JsonValue:
    """A frozen value that doors show: `to_json` gives its fields by name."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {field.name: jsonable(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]
