"""`--stop-sending`: whether what is still sent of the recalled campaigns is refused as well."""

from collections.abc import Collection
from typing import Annotated

import typer

from ledger.entrypoints.cli.screen.confirmation import confirm_stop
from ledger.errors import InputError

StopSending = Annotated[
    bool | None,
    typer.Option(
        "--stop-sending/--no-stop-sending",
        help="Also let the gateway refuse what is still sent of the campaigns; asked for with --sticky.",
    ),
]


def check_stop(stop_sending: bool | None, campaigns: Collection[str] | None, *, is_plan: bool) -> None:
    """Raise InputError when something is to be stopped and nothing says what."""
    if stop_sending and not campaigns and not is_plan:
        raise InputError("--stop-sending stops campaigns: name them with --campaign")


def wants_stop(stop_sending: bool | None, campaigns: Collection[str], *, is_sticky: bool, may_ask: bool) -> bool:
    """Say whether what is still sent is to be stopped; who makes a recall sticky is asked."""
    if stop_sending is None and is_sticky and may_ask and campaigns:
        return confirm_stop(sorted(campaigns))
    return bool(stop_sending)
