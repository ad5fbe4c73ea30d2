"""Sticky recalls: for how long what is still recorded is taken along, and the end of that."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.entrypoints.cli.book import Actor, RecallId, opened
from ledger.entrypoints.cli.output import AsJson, console, document
from ledger.entrypoints.cli.words import moment, number_of
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.core.recall import Result

LONGEST_SECONDS = 86_400
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}

Sticky = Annotated[
    str | None,
    typer.Option(
        "--sticky",
        metavar="DURATION",
        help="For so long (90s, 30m, 24h), workers also recall what is still recorded.",
    ),
]


def unstick(recall_id: RecallId, actor: Actor = None, as_json: AsJson = False) -> None:
    """Leave alone what arrives late for a sticky recall."""
    with opened() as book:
        result = book.unstick(recall_id, actor=actor)
    if as_json:
        document(result)
    else:
        console().print(f"Recall {recall_id} leaves alone what is recorded from now on.")


def read_duration(text: str | None) -> float | None:
    """Read a length of time into seconds, None from None; raise InputError for what is none, or over a day."""
    if text is None:
        return None
    found = _SPAN.fullmatch(text.strip().lower())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise InputError(f"--sticky {text!r} is no length of time: write it as in 90s, 30m or 24h")
    if seconds > LONGEST_SECONDS:
        raise InputError(f"--sticky {text!r} is too long: a recall can be sticky for at most 24h")
    return seconds


def sticky_until(until: datetime) -> str:
    """Say until when a plan would take what arrives late, and what that needs."""
    return f"until {moment(until)}, what is still recorded is recalled too: `ledger worker` must run"


def late_in_words(result: "Result", now: datetime) -> str | None:
    """Say what was recorded after the plan and what takes it back; None when there is nothing to say."""
    if not result.late:
        return None
    was = "was" if result.late == 1 else "were"
    late = f"{number_of(result.late, 'message')} {was} recorded after the plan"
    if is_sticky(result, now):
        return f"{late}: ledger worker takes {'it' if result.late == 1 else 'them'} back"
    return f"{late}: ledger recall … again, or --sticky"


def is_sticky(result: "Result", now: datetime) -> bool:
    """Say whether a recall still takes what arrives late."""
    return result.sticky_until is not None and result.sticky_until > now
