"""The options that select messages, the same for every command, and how they are read."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from ledger.clock import parse_time
from ledger.entrypoints.formats.keys import keys_of
from ledger.errors import InputError, UnreadableFileError

if TYPE_CHECKING:
    from ledger.core.bounds import Bounds
    from ledger.parts import Parts

_PANEL = "Selection (together they narrow)"

Campaigns = Annotated[
    list[str] | None,
    typer.Option(
        "--campaign", metavar="NAME", help="Of this campaign; repeatable: of one of several.", rich_help_panel=_PANEL
    ),
]
CampaignPatterns = Annotated[
    list[str] | None,
    typer.Option(
        "--campaign",
        metavar="NAME",
        help=r"Of this campaign; repeatable: of one of several. spring-\* takes all that begin so.".replace("\\", ""),
        rich_help_panel=_PANEL,
    ),
]
Untagged = Annotated[bool, typer.Option("--untagged", help="Without a campaign.", rich_help_panel=_PANEL)]
Source = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="Sent by this program.", rich_help_panel=_PANEL)
]
Users = Annotated[
    list[str] | None,
    typer.Option("--user", metavar="ID", help="That reached this user id; repeatable.", rich_help_panel=_PANEL),
]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="KEY", help="With this processQueryKey; repeatable.", rich_help_panel=_PANEL),
]
KeysFile = Annotated[
    str | None,
    typer.Option(
        "--keys-file", metavar="FILE", help="With a key of this file, one a line; - is stdin.", rich_help_panel=_PANEL
    ),
]
Robot = Annotated[
    str | None, typer.Option("--robot", metavar="CODE", help="Sent by this robotCode.", rich_help_panel=_PANEL)
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="Sent then or later, as in 2026-03-01T10:00:00+08:00.", rich_help_panel=_PANEL
    ),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Sent before that time.", rich_help_panel=_PANEL)
]


class SelectionOptions(TypedDict):
    """What was selected, as `select` takes it."""

    campaign: list[str] | None
    untagged: bool
    source: str | None
    users: list[str] | None
    keys: list[str] | None
    robot: str | None
    since: datetime | None
    until: datetime | None


def gather(
    *,
    campaign: list[str] | None = None,
    untagged: bool = False,
    source: str | None = None,
    users: list[str] | None = None,
    keys: list[str] | None = None,
    keys_file: str | None = None,
    robot: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> SelectionOptions:
    """Read the options of a selection; raise InputError for one that is there but empty.

    An empty one, as from an unset shell variable, would silently select more than was meant.
    """
    named = [("--source", source), ("--robot", robot), ("--since", since), ("--until", until)]
    named += [("--keys-file", keys_file)]
    named += [("--campaign", one) for one in campaign or ()]
    named += [("--user", user) for user in users or ()] + [("--key", key) for key in keys or ()]
    for option, value in named:
        if value is not None and not value.strip():
            raise InputError(f"{option} is empty: give it a value or leave it out")
    return SelectionOptions(
        campaign=campaign or None,
        untagged=untagged,
        source=source,
        users=users or None,
        keys=[*(keys or ()), *(read_keys(keys_file) if keys_file is not None else ())] or None,
        robot=robot,
        since=parse_time(since) if since else None,
        until=parse_time(until) if until else None,
    )


def meant(parts: "Parts", asked: SelectionOptions, bounds: "Bounds | None" = None) -> SelectionOptions:
    """Return the same selection with the campaigns that beginnings stand for, as far as they may be seen."""
    from ledger.core.bounds import EVERYTHING

    if not asked["campaign"]:
        return asked
    return {**asked, "campaign": parts.names.meant(asked["campaign"], bounds or EVERYTHING)}


def read_keys(name: str) -> list[str]:
    """Return the keys of a file, one a line, `-` for stdin; raise UnreadableFileError when there is none."""
    shown = "stdin" if name == "-" else name
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"the keys file {shown} cannot be read: {error.strerror}") from None
    return keys_of(content, f"the keys file {shown}")
