"""How long texts may be, and which texts every database can hold. Whoever takes a text in asks here, whatever the door.

PostgreSQL's text holds no NUL, and neither database half of a surrogate pair: such a text is refused on both alike.
Doors inside other people's programs load this file: the standard library and relative imports only.
"""

import json
import re

from ..errors import InputError

NAME_MAX_CHARACTERS = 256  # a campaign, robot, user, conversation, source or actor
KEY_MAX_CHARACTERS = 1024
# A row of PostgreSQL's index holds 2,704 bytes; beside the key there is a robot of up to 1,024. Keys have about 44.
KEY_MAX_BYTES = 1600
REASON_MAX_CHARACTERS = 2000
RECIPIENTS_MAX = 1000
# As a pattern, so that models check it in compiled code: a function of ours, called for every user id, took longer than
# all the rest of reading a row. Half surrogates they refuse by themselves.
STORABLE_PATTERN = r"^[^\x00]*$"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SHOWN_CHARACTERS = 40


def check_text(name: str, text: str, most: int = NAME_MAX_CHARACTERS) -> str:
    """Return a text that can be kept as it is; raise InputError that says what is wrong with the one of this name."""
    if len(text) > most:
        raise InputError(f"{name} has {len(text):,} characters, and at most {most:,} fit: {_start_of(text)}")
    if _UNSTORABLE.search(text):
        raise InputError(f"{name} holds a NUL or half of a surrogate pair, which no database keeps: {_start_of(text)}")
    return text


def check_reason(what: str, reason: str) -> str:
    """Return the reason for something, which the history keeps; raise InputError for none, or one that cannot be."""
    if not reason.strip():
        raise InputError(f"{what} needs a reason: the history keeps it")
    return check_text("the reason", reason, REASON_MAX_CHARACTERS)


def storable(value: object) -> str:
    """Return what somebody else said as a text that can be kept: verbatim but for NULs and half surrogates.

    Of what is longer than any reason the beginning is kept, and how long it was: it is kept for every key, and shown.
    """
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):
        text = f"({type(value).__name__})"
    beginning = cleaned(text[:REASON_MAX_CHARACTERS])
    return beginning if len(text) <= REASON_MAX_CHARACTERS else f"{beginning}… ({len(text):,} characters)"


def cleaned(text: str) -> str:
    """Return a text as every database can hold it, without its NULs and half surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def _start_of(text: str) -> str:
    return ascii(text[:_SHOWN_CHARACTERS]) + ("…" if len(text) > _SHOWN_CHARACTERS else "")
