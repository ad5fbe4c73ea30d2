"""Upkeep: delete what is past its window, look whether everything is there that a recall needs, and help to watch."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.check import CheckUp, Level
from ledger.entrypoints.cli.book import opened
from ledger.entrypoints.cli.exits import Code
from ledger.entrypoints.cli.output import AsJson, console, document
from ledger.entrypoints.cli.words import is_are, number_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ledger.core.check import Check

_MARKS = {Level.OK: ("ok", "green"), Level.REMARK: ("note", "yellow"), Level.AMISS: ("AMISS", "bold red")}
_WIDTH_OF_MARKS = len("AMISS")
_LONGEST_NAME = 20


def purge(as_json: AsJson = False) -> None:
    """Delete the messages that are past their window.

    The history of recalls stays.
    """
    with opened() as book:
        purged = book.purge()
    if as_json:
        document(purged)
    else:
        console().print(f"{number_of(purged.purged, 'message')} deleted")


class Handed(StrEnum):
    """What `ops` hands out."""

    DASHBOARD = "dashboard"
    ALERTS = "alerts"


def ops(
    what: Annotated[Handed, typer.Argument(help="A dashboard for Grafana, or alert rules for Prometheus.")],
) -> None:
    """Write a dashboard for Grafana, or alert rules for Prometheus, to stdout."""
    from ledger.ops import text_of

    typer.echo(text_of(what), nl=False)


def doctor(as_json: AsJson = False) -> Code:
    """Check settings, database, spool, worker, quota, tokens, credentials, permission and clock.

    Exit 1 when something is amiss.
    """
    with opened() as book:
        if as_json:
            found = book.doctor()
            document(found)
        else:
            found = CheckUp.of(_shown(book.examine(), _width_of_names(book.settings.app_names)))
            console().print(_in_short(found))
    return Code.DONE if found.ok else Code.UNEXPECTED


def _in_short(found: CheckUp) -> str:
    bad = [check.name for check in found.checks if not check.ok]
    if bad:
        return f"{number_of(len(bad), 'thing')} {is_are(len(bad))} amiss: {', '.join(bad)}"
    notes = sum(check.level is Level.REMARK for check in found.checks)
    return "nothing is amiss" + (f", {number_of(notes, 'note')}" if notes else "")


def _shown(checks: "Iterable[Check]", width: int) -> "Iterator[Check]":
    """Write each check as soon as it is there: some of them take a while."""
    from rich.table import Table
    from rich.text import Text

    paper = console()
    for check in checks:
        mark, style = _MARKS[check.level]
        if paper.is_terminal:
            line = Table.grid(padding=(0, 2))
            for column in (_WIDTH_OF_MARKS, width, None):
                line.add_column(width=column, overflow="fold")
            line.add_row(Text(mark, style=style), check.name, plain(check.found))
            paper.print(line)
        else:
            paper.print(f"{mark:{_WIDTH_OF_MARKS}}  {check.name:{width}}  {plain(check.found)}", soft_wrap=True)
        yield check


def _width_of_names(apps: "Sequence[str]") -> int:
    longest = max(len(f"credentials of {app}") for app in apps)
    return len("credentials") if len(apps) == 1 else min(longest, _LONGEST_NAME)
