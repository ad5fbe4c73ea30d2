"""What an API handler works with: the caller, its parameters, and the parts of the world it may touch."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .behaviour import Behaviour
from .ids import IdMaker
from .messages import MessageBook
from .refusals import Refusal

MOST_PER_CALL = 20


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the behaviour has used up so far."""

    silent_left: int = 0
    failed_asks: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One admitted call with the parts of the world that its handler may read and change."""

    now: datetime
    app: str
    fields: dict[str, Any]
    behaviour: Behaviour
    messages: MessageBook
    ids: IdMaker
    tally: Tally
    robots: Collection[str] | None

    def text(self, name: str, refusal: str = "invalidParameter.param.invalid") -> str:
        """Return a parameter that has to be a text with something in it; raise Refusal."""
        value = self.fields.get(name)
        if not isinstance(value, str) or not value:
            raise Refusal(refusal)
        return value

    def texts(self, name: str, missing: str, over: str) -> list[str]:
        """Return a parameter that has to hold 1 to 20 texts; raise Refusal."""
        values = self.fields.get(name)
        if values is None or values == []:
            raise Refusal(missing)
        if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
            raise Refusal("invalidParameter.param.invalid")
        if len(values) > MOST_PER_CALL:
            raise Refusal(over)
        return values

    def robot(self, refusal: str = "invalidParameter.param.invalid") -> str:
        """Return the robotCode, which has to be one of the organisation's when those are known; raise Refusal."""
        robot = self.text("robotCode", refusal)
        if self.robots is not None and robot not in self.robots:
            raise Refusal("invalidParameter.robotCode")
        return robot
