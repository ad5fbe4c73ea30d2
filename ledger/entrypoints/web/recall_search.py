"""Which recalls somebody looks for in the console: read from an address, and written back as people gave it."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query

from ledger.core.recalls.recall_filter import RecallFilter, recall_filter
from ledger.entrypoints.web.times import Times, in_api


class RecallSearch:
    """The fields as they were filled in."""

    def __init__(
        self,
        campaign: Annotated[str, Query(max_length=256)] = "",
        actor: Annotated[str, Query(max_length=256)] = "",
        recalled_since: Annotated[str, Query(max_length=40)] = "",
        recalled_until: Annotated[str, Query(max_length=40)] = "",
    ) -> None:
        self.campaign, self.actor = campaign.strip(), actor.strip()
        self.recalled_since, self.recalled_until = recalled_since, recalled_until

    def filter(self, times: Times) -> RecallFilter:
        """Return what is looked for; raise InputError for what cannot be meant."""
        return recall_filter(
            campaign=self.campaign or None,
            actor=self.actor or None,
            recalled_since=times.read(self.recalled_since),
            recalled_until=times.read(self.recalled_until),
        )

    def query(self, **more: str) -> str:
        """Write the fields that are filled in as the query of an address."""
        return _query({**vars(self), **more})

    def api_query(self, found: RecallFilter, **more: str) -> str:
        """Write the fields as the API takes them: its times have a zone."""
        return _query({"campaign": self.campaign, "actor": self.actor, **in_api(found.started), **more})


def _query(fields: dict[str, str | None]) -> str:
    return urlencode([(name, value) for name, value in fields.items() if value])
