"""Campaigns that one could take for another: what is decided about one of them is to name the others beside it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from heapq import nsmallest

from ledger.core.access.actors import likeness
from ledger.core.json_value import JsonValue
from ledger.core.slips import Slips, are_letters_near

MOST_SHOWN = 5
_MOST_SLIPS = 2
_SHORT_END = re.compile(r"[-_. ]\w{1,2}$")
# Of shorter names, nearly every other one would be so near.
_LETTERS_PER_SLIP = 3


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LikePair(JsonValue):
    """Two campaigns of one selection that one could take for each other, and in what they differ."""

    campaigns: tuple[str, str]
    differs_in: Likeness


def like_pairs(meant: Iterable[str], most: int = MOST_SHOWN) -> tuple[LikePair, ...]:
    """Return the pairs among the campaigns that are meant together that look alike: one of them may come along unseen.

    Those of a series, which differ in numbers or in a short end alone, were meant together.
    """
    names = sorted(meant)
    found = []
    for place, one in enumerate(names):
        name = _Name.of(one)
        for other in names[place + 1 :]:
            rank = name.rank(other)
            if rank is not None and (_KINDS[rank] is not Likeness.SPELLING or _series(one) != _series(other)):
                found.append((rank, one, other))
    return tuple(
        LikePair(campaigns=(one, other), differs_in=_KINDS[rank]) for rank, one, other in nsmallest(most, found)
    )


def _series(name: str) -> str:
    return "".join(letter for letter in _SHORT_END.sub("", name.casefold()) if letter.isalpha())


_KINDS = (Likeness.CASE, Likeness.WIDTH, Likeness.LETTERS, Likeness.SPELLING, Likeness.SPELLING)


@dataclass(frozen=True, slots=True)
class _Name:
    """The name that is meant, with what it is compared by."""

    cased: str
    composed: str
    seen: str
    letters: frozenset[str]
    slips: Slips
    most: int

    @classmethod
    def of(cls, name: str) -> "_Name":
        composed = _composed(name)
        most = min(_MOST_SLIPS, len(composed) // _LETTERS_PER_SLIP)
        return cls(name.casefold(), composed, likeness(name), frozenset(composed), Slips(composed), most)

    def rank(self, other: str) -> int | None:
        """Return how near another name is, 0 for the nearest; None when nobody would mistake it."""
        if other.casefold() == self.cased:
            return 0
        composed = _composed(other)
        if composed == self.composed:
            return 1
        is_near = are_letters_near(self.letters, composed, self.most)
        if is_near and (slips := self.slips.to(composed, self.most)) <= self.most:
            return 2 if likeness(other) == self.seen else 2 + slips
        return 2 if likeness(other) == self.seen else None


def _composed(name: str) -> str:
    return name.casefold() if name.isascii() else unicodedata.normalize("NFKC", name).casefold()
