"""What a form selects: read into a selection, and written back as people gave it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData, QueryParams

from ledger.clock import format_time
from ledger.core.access.roles import Identity
from ledger.core.campaigns.campaign_patterns import is_pattern, named
from ledger.core.recalls.selection import Selection, select
from ledger.entrypoints.http.door import within
from ledger.entrypoints.web.times import Times
from ledger.services.reports.near_names import NameFinder

FIELDS = ("campaign", "untagged", "source", "user", "key", "robot", "since", "until")
_LISTS = ("campaign", "user", "key")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionForm:
    """The fields of a form as they were filled in; lists have a line each."""

    campaign: str = ""
    untagged: str = ""
    source: str = ""
    user: str = ""
    key: str = ""
    robot: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def read(cls, given: FormData | QueryParams) -> "SelectionForm":
        """Read a form or an address."""
        texts = {name: [text for text in given.getlist(name) if isinstance(text, str)] for name in FIELDS}
        # White space around a name in a form is a slip of the hand; within a campaign's own name it may be meant.
        return cls(**{name: "\n".join(found).strip("\r\n\t ") for name, found in texts.items()})

    @property
    def is_empty(self) -> bool:
        """True when no field is filled in."""
        return not any(getattr(self, name) for name in FIELDS)

    @property
    def is_simple(self) -> bool:
        """True when nothing but one campaign is named."""
        others = any(getattr(self, name) for name in FIELDS if name != "campaign")
        return len(self.campaigns) == 1 and not is_pattern(self.campaign) and not others

    @property
    def campaigns(self) -> list[str]:
        """The campaigns as they were typed, a line each."""
        return lines(self.campaign)

    def parts(self, times: Times) -> dict[str, Any]:
        """Return the parts of a selection by name; raise InputError for what cannot be one."""
        return {
            "campaign": [named(one) for one in self.campaigns] or None,
            "untagged": bool(self.untagged),
            "source": self.source or None,
            "users": lines(self.user) or None,
            "keys": lines(self.key) or None,
            "robot": self.robot or None,
            "since": times.read(self.since),
            "until": times.read(self.until),
        }

    def selection(self, times: Times, who: Identity, names: NameFinder | None = None) -> Selection:
        """Return what is selected of what somebody may touch; with `names`, beginnings stand for all that begin so."""
        parts = self.parts(times)
        bounds = within(who, parts["robot"])
        if names is not None and self.campaigns:
            parts["campaign"] = names.meant(self.campaigns, bounds)
        return select(**parts, within=bounds)

    def query(self, **more: str | None) -> str:
        """Write the fields that are filled in as the query of an address."""
        fields: Mapping[str, str | None] = {name: getattr(self, name) for name in FIELDS} | more
        pairs = [
            (name, text)
            for name, value in fields.items()
            if value
            for text in (lines(value) if name in _LISTS else [value])
        ]
        return urlencode(pairs)

    def api_query(self, times: Times, **more: str | None) -> str:
        """Write the fields as the API takes them: its times have a zone."""
        moments = {name: times.read(getattr(self, name)) for name in ("since", "until")}
        times_given = {name: format_time(at) if at else None for name, at in moments.items()}
        # There a campaign is named as it is.
        campaigns = "\n".join(map(named, self.campaigns))
        return self.query(**times_given, campaign=campaigns, **more)


def lines(text: str) -> list[str]:
    """Return the lines of a field that hold anything."""
    return [line.strip() for line in text.splitlines() if line.strip()]
