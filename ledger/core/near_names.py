"""Near names: what somebody may have meant who asked for a name that there is none of."""

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.core.actors import likeness
from ledger.core.json_value import JsonValue

# So many are offered, and so many are looked at (measured: 0.1 to 0.5 s).
MOST_NEAR, MOST_KNOWN = 3, 20_000
# Up to so many letters, so many slips are a typing error; in a longer name, three.
_SLIPS = ((3, 1), (8, 2))
_MOST_SLIPS = 3
# From so many letters on, the beginning of a name is taken for the name.
_BEGINNING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NearNames(JsonValue):
    """Names that there are, the nearest first, near one that there is not; `kind` is campaign, robot or user."""

    kind: str
    asked: str
    names: tuple[str, ...]


def near(asked: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the known names that somebody may have meant, the nearest first.

    Those that look the same come first, then those a few slips of the hand away, then those that begin so. Of two that
    are as near, the one that is so without other letters that look alike: a zero is hardly typed for an o.
    """
    wanted, found, plain = likeness(asked), list[tuple[int, int, bool, str]](), asked.casefold()
    most = next((slips for letters, slips in _SLIPS if len(wanted) <= letters), _MOST_SLIPS)
    letters = _letters(wanted)
    for name in known:
        if name == asked:
            continue
        other = likeness(name)
        slips = _slips(wanted, other, most) if (letters ^ _letters(other)).bit_count() <= 2 * most else most + 1
        if slips <= most:
            found.append((slips, _slips(plain, name.casefold(), most), name[:1] != asked[:1], name))
        elif len(wanted) >= _BEGINNING and other.startswith(wanted):
            found.append((most + 1, 0, name[:1] != asked[:1], name))
    return tuple(name for *_, name in sorted(found)[:MOST_NEAR])


def _letters(name: str) -> int:
    """Return which letters a name has, as bits: a slip changes two of them at most, which spares most comparisons."""
    bits = 0
    for letter in name:
        bits |= 1 << (ord(letter) & 63)
    return bits


def _slips(one: str, other: str, most: int) -> int:
    """Return how many letters were left out, added, changed, or swapped with their neighbour; above `most`, any more.

    (The optimal string alignment, of which only the rows near the diagonal matter.)
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    # Names of a kind begin and end alike.
    same = next((at for at, both in enumerate(zip(one, other, strict=False)) if both[0] != both[1]), None)
    if same is None:
        return abs(len(one) - len(other))
    one, other = one[same:], other[same:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    before, row = list[int](), list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        previous, before, row = before, row, [place] + [most + 1] * len(other)
        for at in range(max(place - most, 1), min(place + most, len(other)) + 1):
            cost = min(before[at] + 1, row[at - 1] + 1, before[at - 1] + (letter != other[at - 1]))
            if place > 1 and at > 1 and letter == other[at - 2] and one[place - 2] == other[at - 1]:
                cost = min(cost, previous[at - 2] + 1)
            row[at] = cost
        if min(row) > most:
            return most + 1
    return row[-1]
