"""`ledger doctor`: checks everything that a recall needs, and shows each check as it is made."""

from typing import TYPE_CHECKING

from ledger.core.check_up import CheckUp, Level
from ledger.entrypoints.cli.screen.output import AsJson, console, document
from ledger.entrypoints.cli.screen.words import number_of, plain
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ledger.core.check_up import Check

_MARKS = {Level.OK: ("ok", "green"), Level.WARNING: ("warning", "yellow"), Level.FAILED: ("FAILED", "bold red")}
_WIDTH_OF_MARKS = len("warning")
_LONGEST_NAME = 20


def doctor(as_json: AsJson = False) -> Code:
    """Check settings, database, spool, worker, quota, tokens, credentials, permission and clock.

    Exit 1 when a check failed.
    """
    with opened() as parts:
        if as_json:
            found = CheckUp.of(parts.examine())
            document(found)
        else:
            found = CheckUp.of(_shown(parts.examine(), _width_of_names(parts.settings.app_names)))
            console().print(_in_short(found))
    return Code.DONE if found.ok else Code.UNEXPECTED


def _in_short(found: CheckUp) -> str:
    bad = [check.name for check in found.checks if not check.ok]
    if bad:
        return f"{number_of(len(bad), 'check')} failed: {', '.join(bad)}"
    warnings = sum(check.level is Level.WARNING for check in found.checks)
    return "no check failed" + (f", {number_of(warnings, 'warning')}" if warnings else "")


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
