"""People, and what they have of some messages: who lost them, who still has one, who never got any."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ledger.core.json_value import JsonValue

# Of those who still have a message, so many are named beside their number.
NAMED = 3


class PersonStanding(StrEnum):
    """What a person has; everybody stands in exactly one place, that which needs somebody most."""

    LEFT = "left"  # at least one message that reached them is still there
    UNKNOWN = "unknown"  # of at least one nobody can say, and the others are gone
    LOST = "lost"  # all that reached them is recalled
    NEVER = "never"  # nothing reached them: DingTalk turned each message away from them


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine(JsonValue):
    """One person: how many messages reached them, and of how many that is `recalled`, `left`, or `unknown`.

    The three always add up to `messages`. `undelivered` messages were meant for them and never reached them.
    """

    user: str
    messages: int
    recalled: int
    left: int
    unknown: int
    undelivered: int = 0

    @property
    def standing(self) -> PersonStanding:
        """Where this person stands."""
        if not self.messages:
            return PersonStanding.NEVER
        if self.left:
            return PersonStanding.LEFT
        return PersonStanding.UNKNOWN if self.unknown else PersonStanding.LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleCount(JsonValue):
    """How many people some messages reached, each once, and how many of them stand where: that adds up to `people`.

    `never` are those whom no message reached although one was meant for them; they are not among the `people`.
    `still` names the first few of those who still have a message.
    """

    people: int
    lost: int
    left: int
    unknown: int
    never: int = 0
    still: Sequence[str] = ()

    @classmethod
    def of(cls, lines: Iterable[PersonLine]) -> "PeopleCount":
        """Count people in the order of their ids."""
        counts, still = Counter[PersonStanding](), list[str]()
        for line in lines:
            standing = line.standing
            counts[standing] += 1
            if standing is PersonStanding.LEFT and len(still) < NAMED:
                still.append(line.user)
        return cls(
            people=counts.total() - counts[PersonStanding.NEVER],
            lost=counts[PersonStanding.LOST],
            left=counts[PersonStanding.LEFT],
            unknown=counts[PersonStanding.UNKNOWN],
            never=counts[PersonStanding.NEVER],
            still=tuple(still),
        )
