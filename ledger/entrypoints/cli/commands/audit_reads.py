"""`ledger audit reads`: who read the audit over HTTP."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ledger.entrypoints.cli.options import Limit
from ledger.entrypoints.cli.screen.output import AsJson, batches, console, document_of_list, say
from ledger.entrypoints.cli.screen.sheet import Column, SheetRow, print_sheet
from ledger.entrypoints.cli.screen.words import moment, plain
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.streams import until_reader_leaves

if TYPE_CHECKING:
    from ledger.core.audit.reads import Read

BATCH_ROWS = 200
_WHAT = Column(title="what", width=24, is_text=True, gives_way=True)
_COLUMNS = (
    Column(title="when", width=16),
    Column(title="who", width=14),
    _WHAT,
    Column(title="rows", is_number=True, width=7),
    Column(title="times", is_number=True, width=5),
)


@until_reader_leaves
def reads(limit: Limit = None, as_json: AsJson = False) -> None:
    """Show who read the audit over HTTP, newest first.

    Lists, recalls, their messages and files, in the console and the API. People are named as the history names them.
    """
    with opened() as parts:
        found = parts.read_sealer.newest(limit)
        if as_json:
            document_of_list(found)
            return
        paper, is_first = console(), True
        # A wider screen shows more of what was asked for.
        wide = replace(_WHAT, width=(_WHAT.width or 0) + max(paper.width - 80, 0))
        columns = [wide if column is _WHAT else column for column in _COLUMNS]
        for some in batches(found, BATCH_ROWS):
            print_sheet(paper, columns, [SheetRow(cells=_cells(one)) for one in some], show_header=is_first)
            is_first = False
    if is_first:
        say("nobody has read the audit over HTTP yet")


def _cells(one: "Read") -> tuple[str, ...]:
    route = one.route if one.recall_id is None else one.route.replace("{id}", str(one.recall_id))
    asked = " ".join(f"{name}={_value(value)}" for name, value in one.filters.items())
    return (moment(one.at), plain(one.actor), plain(f"{route} {asked}".strip()), f"{one.rows:,}", f"{one.times:,}")


def _value(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return f"({value['count']:,})" if isinstance(value, dict) and isinstance(value.get("count"), int) else str(value)
