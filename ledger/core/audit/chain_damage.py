"""What became of a chain of digests that does not fit: from the places where it breaks to what somebody did there.

Places count from 1, in the order in which entries stand. An entry proves by its digest which one it was written after:
where that one still is, says whether entries changed places, came in between, or are gone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ledger.core.json_value import JsonValue

# So many breaks are looked into; the others are counted.
MOST_BREAKS = 100


class DamageKind(StrEnum):
    """What was done to the history, or to what was signed of it."""

    EDITED = "edited"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT = "cut"  # the end is gone
    CUT_TO_NOTHING = "cut_to_nothing"
    REWRITTEN = "rewritten"  # it fits together, and is not what was signed
    FORGOTTEN = "forgotten"  # what was signed has left, and nothing is kept that would prove it
    TOO_EARLY = "too_early"  # what was signed has left before its time
    OTHER_LEDGER = "other_ledger"  # a checkpoint of a history that begins with another entry
    WRONG_KEY = "wrong_key"
    FORGED = "forged"  # a checkpoint that its key did not sign
    WRONG_TIMESTAMP = "wrong_timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage(JsonValue):
    """One thing that was done: to the entries of these places, or so many of them; `entry` is the number of the first.

    Of what is missing, `first` is the place where it would stand. `detail` says more, for people.
    """

    kind: DamageKind
    first: int | None = None
    last: int | None = None
    count: int | None = None
    entry: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """An entry that does not fit what stands before it.

    `follows` is the place of the entry that it was written after, None when that is nowhere near, `is_copy` says that
    its digest stands elsewhere too, and `gap` how many numbers are left out before it.
    """

    place: int
    number: int
    follows: int | None
    is_copy: bool
    gap: int


def damages_of(breaks: Sequence[Break], shift: int | None = None) -> list[Damage]:
    """Say what was done, by the breaks in the order of their places.

    `shift` is by how many places a signed entry after them stands too far behind, which tells how many came or went.
    """
    found: list[Damage] = []
    numbers = {one.place: one.number for one in breaks}
    explained: set[int] = set()
    for one in breaks:
        if one.is_copy:
            found.append(Damage(kind=DamageKind.INSERTED, first=one.place, last=one.place, count=1, entry=one.number))
            explained.add(one.place)
    spans = [_span(one) for one in breaks if one.place not in explained and (one.follows or 0) >= one.place]
    ahead = [one for one in breaks if one.follows is not None and one.follows < one.place - 1]
    authentic = {one.place for one in breaks if one.follows is not None and one.place not in explained}
    for one in sorted(ahead, key=lambda each: each.place - (each.follows or 0)):
        between = [place for place in range((one.follows or 0) + 1, one.place) if place not in explained]
        if not between or one.place in explained:
            explained.add(one.place)
        elif authentic.intersection(between):
            spans.append((between[0], one.place - 1))
        else:
            first, last = between[0], between[-1]
            number = numbers.get(first, numbers[one.place] - len(between))
            found.append(Damage(kind=DamageKind.INSERTED, first=first, last=last, count=len(between), entry=number))
            explained.update(between, [one.place])
    found += [_reordered(first, last, numbers) for first, last in _merged(spans)]
    found += [_gone_or_edited(one) for one in breaks if one.follows is None and one.place not in explained]
    return _shifted(sorted(found, key=lambda damage: damage.first or 0), shift)


def _span(one: Break) -> tuple[int, int]:
    return one.place, one.follows or one.place


def _merged(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans of places, those that overlap as one."""
    waiting: tuple[int, int] | None = None
    for first, last in sorted(spans):
        if waiting is not None and first <= waiting[1] + 1:
            waiting = (waiting[0], max(waiting[1], last))
            continue
        if waiting is not None:
            yield waiting
        waiting = (first, last)
    if waiting is not None:
        yield waiting


def _reordered(first: int, last: int, numbers: dict[int, int]) -> Damage:
    return Damage(kind=DamageKind.REORDERED, first=first, last=last, entry=numbers.get(first))


def _gone_or_edited(one: Break) -> Damage:
    if one.gap:
        return Damage(kind=DamageKind.MISSING, first=one.place, count=one.gap, entry=one.number)
    detail = "or the one before it"
    return Damage(kind=DamageKind.EDITED, first=one.place, last=one.place, entry=one.number, detail=detail)


def _shifted(found: list[Damage], shift: int | None) -> list[Damage]:
    """Correct by what was signed how many are missing: numbers may be given anew, and left out for no reason."""
    if shift is None:
        return found
    unsure = [place for place, one in enumerate(found) if one.kind in (DamageKind.MISSING, DamageKind.EDITED)]
    gone = sum(one.count or 0 for one in found if one.kind is DamageKind.INSERTED) - shift
    missing = [place for place in unsure if found[place].kind is DamageKind.MISSING]
    if gone > 0 and unsure and len(missing) < 2:
        place = (missing or unsure)[0]
        changed = replace(found[place], kind=DamageKind.MISSING, last=None, count=gone, detail=None)
        return [*found[:place], changed, *found[place + 1 :]]
    if gone <= 0:
        return [_edited(one) if one.kind is DamageKind.MISSING else one for one in found]
    return found


def _edited(one: Damage) -> Damage:
    return replace(one, kind=DamageKind.EDITED, last=one.first, count=None)
