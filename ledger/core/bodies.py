"""Reading what senders and DingTalk wrote, however they wrote it: a key must not be lost over the rest of its send.

Doors inside other people's programs load this file: only the standard library is sure to be there.
"""

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from .limits import NAME_MAX_CHARACTERS, cleaned

LARGEST_BYTES = 16 * 1024 * 1024
_GZIP, _ZLIB = b"\x1f\x8b", (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_GZIP_OR_ZLIB = 47
_BETWEEN_IDS = re.compile(r"[\s,;|，；、]+")
_FORM = re.compile(r"[\w.\-\[\]%]+=")


def fields_of(body: object) -> Mapping[str, Any]:
    """Return the fields of a body: bytes, text or parsed JSON; packed, with a mark of its encoding, or of a form."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        body = _text_of_bytes(bytes(body))
    if isinstance(body, str):
        text = body.lstrip("\ufeff \t\r\n")
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = _form_fields(text)
    return body if isinstance(body, Mapping) else {}


def ids_of(value: object) -> tuple[str, ...]:
    """Return user ids from a list of texts or numbers, a JSON array in a text, or ids with something between them.

    What is none (null, an empty text, an object) is left out.
    """
    if isinstance(value, str):
        value = split_ids(value)
    if not isinstance(value, (list, tuple)):
        value = [value]
    found = (id_of(one) for one in value)
    return tuple(dict.fromkeys(one for one in found if one is not None))


def split_ids(text: str) -> list[Any]:
    """Return what stands in a text as a JSON array, or between spaces, commas, semicolons or bars."""
    text = text.strip()
    if text.startswith("["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list):
            return value
    return [part for part in _BETWEEN_IDS.split(text) if part]


def id_of(value: object) -> str | None:
    """Return an id that was written as a text or a number, as it can be kept; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**NAME_MAX_CHARACTERS else None
    text = (plain_text(value) or "").strip()
    return text if 0 < len(text) <= NAME_MAX_CHARACTERS else None


def plain_text(value: object) -> str | None:
    """Return a text that any database can keep, or None for what is no text."""
    return cleaned(value.replace("\x00", "")) if isinstance(value, str) else None


def _text_of_bytes(body: bytes) -> str:
    if body.startswith((_GZIP, *_ZLIB)):
        try:
            body = zlib.decompressobj(_GZIP_OR_ZLIB).decompress(body, LARGEST_BYTES)
        except zlib.error:
            return ""
    try:
        return body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        return ""


def _form_fields(text: str) -> Mapping[str, Any]:
    if not _FORM.match(text):
        return {}
    try:
        found = parse_qs(text, max_num_fields=1000)
    except ValueError:
        return {}
    return {name.removesuffix("[]"): values[0] if len(values) == 1 else values for name, values in found.items()}
