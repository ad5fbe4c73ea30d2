"""What was filled in beside a plan that could not be run as it was: it goes along to the next one, in the address.

What confirms a plan is never among it: that is typed anew, before the eyes of what it confirms.
"""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query

from ledger.core.limits import REASON_MAX_CHARACTERS


class BesidePlan:
    """The fields as an address has them; None is what nobody has touched."""

    def __init__(
        self,
        stop_sending: Annotated[str | None, Query(max_length=1)] = None,
        at: Annotated[str | None, Query(max_length=40)] = None,
        why: Annotated[str | None, Query(max_length=REASON_MAX_CHARACTERS)] = None,
    ) -> None:
        self.stop_sending, self.at, self.why = stop_sending, at, why

    @property
    def given(self) -> Mapping[str, str]:
        """What was filled in, by the names of an address."""
        fields = {"stop_sending": self.stop_sending, "at": self.at, "why": self.why}
        return {name: text for name, text in fields.items() if text is not None}


Beside = Annotated[BesidePlan, Depends()]


def with_fields(page: str, fields: Mapping[str, str]) -> str:
    """Return the address of a page whose forms are to hold what was filled in."""
    return f"{page}?{urlencode(fields)}" if fields else page
