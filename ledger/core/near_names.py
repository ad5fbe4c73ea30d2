"""Near names: what somebody may have meant who asked for a name that there is none of."""

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.core.access.actors import likeness
from ledger.core.json_value import JsonValue
from ledger.core.slips import Slips, are_letters_near

# So many are offered, and so many are looked at (measured: 0.1 to 0.5 s).
MOST_NEAR, MOST_KNOWN = 3, 20_000
# Up to so many letters, so many slips are a typing error; in a longer name, three.
_SLIPS = ((3, 1), (8, 2))
_MOST_SLIPS = 3
# From so many letters on, the beginning of a name is taken for the name.
_BEGINNING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NearNames(JsonValue):
    """Names that there are, the nearest first, near one that there is not; `kind` is campaign, robot, user or actor."""

    kind: str
    asked: str
    names: tuple[str, ...]


def near(asked: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the known names that somebody may have meant, the nearest first.

    Those that look the same come first, then those a few slips of the hand away, then those that begin so. Of two that
    are as near, the one that is so without other letters that look alike: a zero is hardly typed for an o.
    """
    wanted, found = likeness(asked), list[tuple[int, int, bool, str]]()
    most = next((slips for letters, slips in _SLIPS if len(wanted) <= letters), _MOST_SLIPS)
    letters, slips_of, typed = frozenset(wanted), Slips(wanted), Slips(asked.casefold())
    for name in known:
        if name == asked:
            continue
        other = likeness(name)
        slips = slips_of.to(other, most) if are_letters_near(letters, other, most) else most + 1
        if slips <= most:
            found.append((slips, typed.to(name.casefold(), most), name[:1] != asked[:1], name))
        elif len(wanted) >= _BEGINNING and other.startswith(wanted):
            found.append((most + 1, 0, name[:1] != asked[:1], name))
    return tuple(name for *_, name in sorted(found)[:MOST_NEAR])
