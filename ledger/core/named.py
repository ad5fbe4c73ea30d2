"""What a decision names: the parts of a selection that say which messages are meant, and names as they are shown."""

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

# So much of a name stands in a headline; so many of a list.
LONGEST_CHARACTERS = 64
MOST_NAMES = 2

_MANY = ("campaigns", "users", "keys")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A part of what is meant: its kind, its first names, and how many more there are. Times are as in JSON."""

    kind: str
    names: tuple[str, ...]
    more: int = 0


def meant_by(selection: Mapping[str, Any], taken: Collection[str | None] | None = None) -> tuple[Meant, ...]:
    """Return the parts of a selection (as its JSON) in the order in which a sentence names them.

    `taken` are the campaigns of which something is taken, where that is known: the others are not named.
    """
    order = ("campaign", "campaigns", "untagged", "users", "keys", "robot", "source", "since", "until")
    if taken and (left := untaken(selection, taken)):
        selection = {**selection, "campaigns": [one for one in selection["campaigns"] if one not in left]}
    return tuple(_meant(kind, selection[kind]) for kind in order if kind in selection)


def untaken(selection: Mapping[str, Any], taken: Collection[str | None] | None) -> tuple[str, ...]:
    """Return the campaigns of a selection (as its JSON) of which nothing is taken, as far as that is known."""
    return () if taken is None else tuple(one for one in selection.get("campaigns", ()) if one not in taken)


def _meant(kind: str, value: Any) -> Meant:
    if kind in _MANY:
        return Meant(
            kind="campaign" if kind == "campaigns" else kind,
            names=tuple(value[:MOST_NAMES]),
            more=max(len(value) - MOST_NAMES, 0),
        )
    return Meant(kind=kind, names=() if kind == "untagged" else (value,))


def shortened(text: str, most: int = LONGEST_CHARACTERS) -> str:
    """Cut a long text in its middle, never between a letter and what belongs to it."""
    if len(text) <= most:
        return text
    head, tail = most // 2, len(text) - (most - most // 2 - 1)
    while head and _belongs_to_the_one_before(text, head):
        head -= 1
    while tail < len(text) and _belongs_to_the_one_before(text, tail):
        tail += 1
    return f"{text[:head]}…{text[tail:]}"


def _belongs_to_the_one_before(text: str, place: int) -> bool:
    """Say whether the letter at a place is an accent, a joiner or a variant of the one before, or joined to it."""
    letter = text[place]
    is_skin_tone = 0x1F3FB <= ord(letter) <= 0x1F3FF
    joins = ("\u200d",)
    return (
        bool(unicodedata.combining(letter))
        or letter in joins
        or text[place - 1] in joins
        or is_skin_tone
        or (0xFE00 <= ord(letter) <= 0xFE0F)
    )
