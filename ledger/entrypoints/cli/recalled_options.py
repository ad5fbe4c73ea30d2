"""The options that narrow by the time of a recall."""

from datetime import datetime
from typing import Annotated

import typer

from ledger.clock import parse_time
from ledger.errors import InputError

RecalledSince = Annotated[
    str | None,
    typer.Option("--recalled-since", metavar="TIME", help="Of recalls that started then or later."),
]
RecalledUntil = Annotated[
    str | None, typer.Option("--recalled-until", metavar="TIME", help="Of recalls that started before that time.")
]


def recalled_times(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Read both; raise InputError for one that is there but empty, as from an unset shell variable."""
    for option, value in (("--recalled-since", since), ("--recalled-until", until)):
        if value is not None and not value.strip():
            raise InputError(f"{option} is empty: give it a value or leave it out")
    return parse_time(since) if since else None, parse_time(until) if until else None
