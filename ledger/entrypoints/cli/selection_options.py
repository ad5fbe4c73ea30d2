"""The options that select messages, the same for every command, and how they are read."""

import sys
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, get_type_hints

import typer

from ledger.clock import parse_time
from ledger.entrypoints.formats.keys import keys_of
from ledger.errors import InputError, UnreadableFileError

if TYPE_CHECKING:
    from ledger.core.access.bounds import Bounds
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
FromCampaigns = Annotated[
    list[str] | None,
    typer.Option("--from-campaign", metavar="NAME", help="Move those of this campaign too.", rich_help_panel=_PANEL),
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


_OPTIONS = (
    ("untagged", Untagged, False),
    ("source", Source, None),
    ("user", Users, None),
    ("key", Keys, None),
    ("keys_file", KeysFile, None),
    ("robot", Robot, None),
    ("since", Since, None),
    ("until", Until, None),
)
_READ_AS = {"user": "users", "key": "keys"}
_ASKED = "asked"
Command = Callable[..., Any]


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


def selecting(campaigns: object = Campaigns, name: str = "campaign") -> Callable[[Command], Command]:
    """Give a command the options of a selection in the place of its parameter `asked`, which gets what was selected.

    Campaigns are typed under `name`, which `campaigns` describes.
    """
    options = {
        name: Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=campaigns),
        **{
            one: Parameter(one, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for one, kind, default in _OPTIONS
        },
    }

    def decorate(command: Command) -> Command:
        hints = get_type_hints(command, include_extras=True)
        parameters = list[Parameter]()
        for one in signature(command).parameters.values():
            own = one.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[one.name])
            parameters += options.values() if one.name == _ASKED else [own]

        @wraps(command)
        def selected(**given: Any) -> Any:
            chosen = {_READ_AS.get(one, one): given.pop(one) for one in options}
            chosen["campaign"] = chosen.pop(name)
            return command(**{_ASKED: gather(**chosen)}, **given)

        returned = hints.get("return", Any)
        # What is asked of the command is asked of these.
        selected.__signature__ = Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]
        selected.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": returned}
        return selected

    return decorate


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
    from ledger.core.access.bounds import EVERYTHING

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
