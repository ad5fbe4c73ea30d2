"""How much somebody has to say before a recall starts: the more is at stake, the more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# A yes is enough for one message; beyond, one from habit is not.
MOST_MESSAGES_BY_YES = 1
MOST_PEOPLE_BY_YES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What it takes to start a plan: any one of `typed` has to be typed; a plain yes is enough when there is none.

    `is_covered` is False when the month's quota does not suffice.
    """

    typed: tuple[str, ...]
    is_covered: bool

    def accepts(self, given: str) -> bool:
        """Say whether what was typed is what has to be; numbers may have commas."""
        given = given.strip()
        return not self.typed or any(_is_the_same(given, wanted.strip()) for wanted in self.typed)


def confirmation_of(plan: Mapping[str, Any], selection: Mapping[str, Any]) -> Confirmation:
    """Return what it takes to start a plan, by the JSON of it and of what was selected.

    That is the name of the campaign, or the user id, if one was named; the number of messages always does.
    """
    is_covered = plan["quota"]["after"] >= 0
    is_small = plan["eligible"] <= MOST_MESSAGES_BY_YES and plan["recipients"] <= MOST_PEOPLE_BY_YES
    if is_small and is_covered:
        return Confirmation(typed=(), is_covered=is_covered)
    return Confirmation(typed=(*_names(selection), str(plan["eligible"])), is_covered=is_covered)


def _names(selection: Mapping[str, Any]) -> tuple[str, ...]:
    users = selection.get("users", ())
    names = (selection["campaign"],) if "campaign" in selection else tuple(users) if len(users) == 1 else ()
    return tuple(name for name in names if name.strip())


def _is_the_same(given: str, wanted: str) -> bool:
    return given == wanted or (wanted.isdecimal() and given.replace(",", "") == wanted)
