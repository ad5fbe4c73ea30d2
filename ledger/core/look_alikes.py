"""Campaigns that one could take for another: what is decided about one of them is to name the others beside it."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from heapq import nsmallest

from ledger.core.actors import likeness
from ledger.core.json_value import JsonValue

MOST_SHOWN = 5
_MOST_EDITS = 2
# Of shorter names, nearly every other one would be so near.
_LETTERS_PER_EDIT = 3


class Likeness(StrEnum):
    """In what a name differs from the one that is meant, so little that one may not see it."""

    CASE = "case"
    WIDTH = "width"  # full-width and half-width letters, ligatures
    LETTERS = "letters"  # other letters, dashes or blanks that look the same, or are not seen
    SPELLING = "spelling"  # one or two letters more, less, changed or swapped


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlike(JsonValue):
    """A campaign that looks like the one that is meant, and in what it differs."""

    campaign: str
    differs_in: Likeness


def look_alikes(meant: str, others: Iterable[str], most: int = MOST_SHOWN) -> tuple[LookAlike, ...]:
    """Return the campaigns that are most like one, the nearest first."""
    name = _Name.of(meant)
    found = ((rank, other) for other in others if other != meant and (rank := name.rank(other)) is not None)
    return tuple(LookAlike(campaign=other, differs_in=_KINDS[rank]) for rank, other in nsmallest(most, found))


_KINDS = (Likeness.CASE, Likeness.WIDTH, Likeness.LETTERS, Likeness.SPELLING, Likeness.SPELLING)


@dataclass(frozen=True, slots=True)
class _Name:
    """The name that is meant, with what it is compared by."""

    cased: str
    composed: str
    seen: str
    letters: int
    edits: int

    @classmethod
    def of(cls, name: str) -> "_Name":
        composed = _composed(name)
        edits = min(_MOST_EDITS, len(composed) // _LETTERS_PER_EDIT)
        return cls(name.casefold(), composed, likeness(name), _letters(composed), edits)

    def rank(self, other: str) -> int | None:
        """Return how near another name is, 0 for the nearest; None when nobody would mistake it."""
        if other.casefold() == self.cased:
            return 0
        composed = _composed(other)
        if composed == self.composed:
            return 1
        # Each letter that is changed adds one kind of letter at most, and takes one away.
        is_near = (
            abs(len(composed) - len(self.composed)) <= self.edits
            and (_letters(composed) ^ self.letters).bit_count() <= 2 * self.edits
        )
        if is_near and (edits := _edits(self.composed, composed, self.edits)) <= self.edits:
            return 2 if likeness(other) == self.seen else 2 + edits
        return 2 if likeness(other) == self.seen else None


def _composed(name: str) -> str:
    return name.casefold() if name.isascii() else unicodedata.normalize("NFKC", name).casefold()


def _letters(name: str) -> int:
    """Return which letters a name has, a bit each; some share one, which makes names seem nearer, never farther."""
    found = 0
    for letter in set(name):
        found |= 1 << (ord(letter) & 127)
    return found


def _edits(one: str, other: str, most: int) -> int:
    """Count the letters to add, leave out, change or swap with their neighbour; beyond `most`, only that it is more."""
    one, other = _where_they_differ(one, other)
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        current = [row, *[most + 1] * len(other)]
        for column in range(max(1, row - most), min(len(other), row + most) + 1):
            is_other = letter != other[column - 1]
            cost = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + is_other)
            if row > 1 < column and letter == other[column - 2] and one[row - 2] == other[column - 1]:
                cost = min(cost, before_last[column - 2] + 1)
            current[column] = cost
        if min(current) > most:
            return most + 1
        before_last, last = last, current
    return last[-1]


def _where_they_differ(one: str, other: str) -> tuple[str, str]:
    """Leave out what two names begin and end with alike, which changes nothing of how many edits lie between."""
    begin, length = 0, min(len(one), len(other))
    while begin < length and one[begin] == other[begin]:
        begin += 1
    end = 0
    while end < length - begin and one[-1 - end] == other[-1 - end]:
        end += 1
    return one[begin : len(one) - end], other[begin : len(other) - end]
