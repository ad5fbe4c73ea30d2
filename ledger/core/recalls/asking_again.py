"""Asking again: which refusals are final, so that no further ask can change them, and what asking the others costs."""

from dataclasses import dataclass
from datetime import timedelta

# Who asks for such a key gets the same answer whenever they ask: it is of another robot, or it is no key.
FINAL_CODES = (
    "not.allowed.robotCode",
    "invalidParameter.processQueryKey.missing",
    "invalidParameter.robotCode.notExsit",
)
# A key is not known at once after its send; what is not known so long after it never will be.
WRONG_KEY = "invalid.processQueryKey"
KNOWN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAgain:
    """What could be asked again of a recall: so many messages for so many calls; and what cannot, apart.

    `settle` messages can be settled by their read status, at a call each. `final` were refused for good, `late` are
    past their 24 hours, `elsewhere` another recall has recalled, or is at.
    """

    messages: int = 0
    calls: int = 0
    settle: int = 0
    final: int = 0
    late: int = 0
    elsewhere: int = 0
