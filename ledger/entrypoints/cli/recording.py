"""Recording by hand: `record` for one message, `import` for a file of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, cast

import typer

from ledger.clock import parse_time
from ledger.entrypoints.cli.book import opened
from ledger.entrypoints.cli.exits import Code
from ledger.entrypoints.cli.output import AsJson, console, document
from ledger.entrypoints.cli.words import number_of, plain
from ledger.errors import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.services.recorder import Imported, Recorded

SHOWN_REJECTIONS = 20

Campaign = Annotated[str | None, typer.Option("--campaign", help="The campaign (for import: of rows without one).")]
Source = Annotated[str | None, typer.Option("--source", help="Which program sent it (for import: of rows without).")]
SentAt = Annotated[
    str | None,
    typer.Option("--sent-at", metavar="TIME", help="When it was sent, as in 2026-03-01T10:00:00+08:00."),
]


def record(
    robot: Annotated[str, typer.Option("--robot", help="The robotCode that sent it.")],
    key: Annotated[str, typer.Option("--key", help="The processQueryKey that the send call returned.")],
    user: Annotated[list[str] | None, typer.Option("--user", help="A user id that it reached; repeatable.")] = None,
    campaign: Campaign = None,
    sent_at: SentAt = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", help="The openConversationId, for a group message.")
    ] = None,
    source: Source = None,
    as_json: AsJson = False,
) -> None:
    """Record one message.

    Without --sent-at it counts as sent now. Recording twice changes nothing.
    """
    at = parse_time(sent_at) if sent_at is not None else None
    with opened() as book:
        recorded = book.record(
            process_query_key=key,
            robot_code=robot,
            user_ids=user or (),
            campaign=campaign,
            sent_at=at,
            open_conversation_id=conversation,
            source=source,
        )
    if as_json:
        document(recorded)
    else:
        console().print(_said(recorded))


def _said(recorded: "Recorded") -> str:
    if recorded.spooled:
        return "kept in the spool: the database is away, and takes it in when it is back"
    return "recorded" if recorded.recorded else "the ledger had this message already"


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file of messages; - is stdin.")],
    form: Annotated[
        str | None, typer.Option("--format", help="jsonl or csv. Without: as the name says, else jsonl.")
    ] = None,
    campaign: Campaign = None,
    robot: Annotated[str | None, typer.Option("--robot", help="The robotCode of rows without one.")] = None,
    sent_at: SentAt = None,
    source: Source = None,
    as_json: AsJson = False,
) -> Code:
    """Record the messages of a file, one a line.

    A row that cannot be recorded is listed with its line and stops nothing (exit 3).
    """
    from ledger.entrypoints.lines import Format, format_of, read_lines
    from ledger.services.recorder import Defaults

    if form is not None and form not in tuple(Format):
        raise typer.BadParameter(f"{form!r} is neither jsonl nor csv", param_hint="--format")
    at = parse_time(sent_at) if sent_at is not None else None
    defaults = Defaults(campaign=campaign, robot=robot, sent_at=at, source=source)
    with _opened_file(file) as content, opened() as book:
        lines = read_lines(content, Format(form) if form else format_of(file))
        imported = _shown_growing(book.import_lines(lines, defaults))
    if as_json:
        document(imported)
    else:
        _show(imported)
    return Code.INCOMPLETE if imported.rejected else Code.DONE


@contextmanager
def _opened_file(name: str) -> Iterator[BinaryIO]:
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as content:
            yield cast("BinaryIO", content)
    except OSError as error:
        if error.filename != name:
            raise
        raise UnreadableFileError(f"{name} cannot be read: {error.strerror}") from None


def _shown_growing(sums: "Iterable[Imported]") -> "Imported":
    """Return the last of the sums; on a terminal they are seen to grow."""
    screen = console(to_stderr=True)
    last: Imported | None = None
    with screen.status("reading") if screen.is_terminal else nullcontext() as status:
        for last in sums:
            if status is not None:
                status.update(f"{last.read:,} rows read, {last.recorded:,} recorded")
    if last is None:
        raise UnreadableFileError("the file could not be read")
    return last


def _show(imported: "Imported") -> None:
    paper = console()
    paper.print(
        f"{number_of(imported.read, 'row')} read: {imported.recorded:,} recorded, "
        f"{number_of(imported.duplicates, 'duplicate')}, {len(imported.rejected):,} rejected"
    )
    for row in imported.rejected[:SHOWN_REJECTIONS]:
        paper.print(f"line {row.line}: {plain(row.reason)}", soft_wrap=not paper.is_terminal)
    more = len(imported.rejected) - SHOWN_REJECTIONS
    if more > 0:
        paper.print(f"and {more:,} more: --json lists them all")
