"""Recording a file of messages, or what comes through a pipe."""

import os
import shlex
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import UnsupportedOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, cast

import typer

from ledger.clock import parse_time
from ledger.entrypoints.cli.options import CampaignTag, SentAt, SourceTag
from ledger.entrypoints.cli.screen.import_progress import Extent, shown
from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.cli.screen.sentences import sentence
from ledger.entrypoints.cli.screen.words import number_of, plain
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code, code_of_error
from ledger.errors import ImportStoppedError, LedgerError, UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.entrypoints.formats.lines import Format, Rows
    from ledger.entrypoints.formats.rejected_lines import RejectedLinesFile
    from ledger.services.recording.batches import Imported

SHOWN_REJECTIONS = 20


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file of messages, packed or not; - is stdin.")],
    form: Annotated[
        str | None, typer.Option("--format", help="jsonl, csv or xlsx. Without: as the name says, else jsonl.")
    ] = None,
    campaign: CampaignTag = None,
    robot: Annotated[str | None, typer.Option("--robot", help="The robotCode of rows without one.")] = None,
    sent_at: SentAt = None,
    source: SourceTag = None,
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", help="The charset, as in gb18030. Without: UTF-8 or UTF-16; of CSV, as guessed."),
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Where times without a zone are of, as in Asia/Shanghai.")
    ] = None,
    epoch: Annotated[
        bool, typer.Option("--epoch", help="Times that are numbers count seconds or milliseconds since 1970.")
    ] = False,
    from_log: Annotated[
        bool, typer.Option("--from-log", help="FILE is a log: take in what its NOT RECORDED lines hold.")
    ] = False,
    rejected_to: Annotated[
        Path | None,
        typer.Option("--rejected-to", metavar="FILE", help="Write rejected rows to a new file, to fix and import."),
    ] = None,
    as_json: AsJson = False,
) -> Code:
    """Record the messages of a file, one a line or row; gzip, bzip2, xz and zstd are unpacked.

    A row that cannot be recorded is listed with its line and stops nothing (exit 3).
    """
    from ledger.entrypoints.formats.archives import unpacked
    from ledger.entrypoints.formats.lines import Format, format_of
    from ledger.entrypoints.formats.log_lines import read_log
    from ledger.entrypoints.formats.rejected_lines import RejectedLinesFile
    from ledger.entrypoints.formats.sent_times import SentTimes, zone_of
    from ledger.services.recording.rows import Defaults

    if form is not None and form not in tuple(Format):
        raise typer.BadParameter(f"{form!r} is not jsonl, csv or xlsx", param_hint="--format")
    times = SentTimes(zone=zone_of(zone) if zone is not None else None, is_epoch=epoch)
    at = parse_time(sent_at) if sent_at is not None else None
    defaults = Defaults(campaign=campaign, robot=robot, sent_at=at, source=source, of_history=True)
    with _opened_file(file) as content:
        # What a log holds are rows of JSON, whatever stands around them.
        chosen = Format.JSONL if from_log else Format(form) if form else format_of(file)
        rows = read_log(unpacked(content)) if from_log else _rows_of(content, file, chosen, encoding)
        to_fix = RejectedLinesFile(rejected_to, rows.header) if rejected_to else None
        with opened() as parts, to_fix or nullcontext():
            sums = parts.recorder.import_lines(times.applied(iter(rows)), defaults, to_fix.add if to_fix else None)
            imported, fault = _followed(sums, _extent_of(content))
    given = {"campaign": campaign, "robot": robot, "sent-at": sent_at, "source": source, "zone": zone}
    # Rejected rows of a spreadsheet are written as CSV.
    written = Format.CSV if chosen is Format.XLSX else chosen
    if rejected_to and format_of(rejected_to.name) is not written:
        given["format"] = written
    if as_json:
        _document(imported, fault, to_fix)
    else:
        _show(imported, is_kept=to_fix is not None)
        if to_fix and imported.rejected_count:
            _show_how_to_fix(to_fix, given, is_epoch=epoch)
    if fault is not None:
        say(f"error: {fault}")
        return Code.INCOMPLETE if fault.is_fault_of_input else code_of_error(fault)
    return Code.INCOMPLETE if imported.rejected_count else Code.DONE


def _rows_of(content: BinaryIO, file: str, form: "Format", encoding: str | None) -> "Rows":
    from ledger.entrypoints.formats.archives import unpacked
    from ledger.entrypoints.formats.charsets import in_utf8
    from ledger.entrypoints.formats.lines import Format, read_lines

    if form is Format.XLSX:
        return read_lines(content, form)
    text, guessed = in_utf8(unpacked(content), encoding, may_guess=form is Format.CSV)
    if guessed:
        say(f"note: {file} is not UTF-8: read as {guessed}; if that is wrong, say what it is with --encoding")
    return read_lines(text, form)


@contextmanager
def _opened_file(name: str) -> Iterator[BinaryIO]:
    try:
        opened_file = nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb")  # noqa: SIM115
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{name or 'a file without a name'} cannot be read: {_why(error)}") from None
    try:
        with opened_file as content:
            yield cast("BinaryIO", content)
    except OSError as error:
        # Reading names no file.
        if error.filename is not None:
            raise
        raise UnreadableFileError(f"{name} cannot be read: {_why(error)}") from None


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _extent_of(content: BinaryIO) -> Extent | None:
    """Return how large a file is; nobody knows it of a pipe."""
    try:
        about = os.fstat(content.fileno())
    except (OSError, UnsupportedOperation):
        return None
    return Extent(size_bytes=about.st_size, position=content.tell) if stat.S_ISREG(about.st_mode) else None


def _followed(sums: "Iterable[Imported]", extent: Extent | None) -> "tuple[Imported, ImportStoppedError | None]":
    """Return the last of the sums, and why they did not grow to the end; what stops the first row is raised."""
    last: Imported | None = None
    with shown(extent) as show:
        try:
            for last in sums:
                show(last)
        except LedgerError as error:
            if last is None or not last.read:
                raise
            return last, ImportStoppedError(error, last.read, last.recorded)
        except KeyboardInterrupt:
            if last is not None:
                say(f"stopped: {number_of(last.read, 'row')} read, {last.recorded:,} recorded")
            raise
    if last is None:
        raise UnreadableFileError("the file could not be read")
    return last, None


def _document(imported: "Imported", fault: ImportStoppedError | None, to_fix: "RejectedLinesFile | None") -> None:
    whole = imported.to_json()
    if to_fix is not None:
        whole["rejected_to"] = str(to_fix.path) if imported.rejected_count else None
    if fault is not None:
        whole["error"] = {"code": fault.code, "message": str(fault)}
    document(whole)


def _show(imported: "Imported", *, is_kept: bool) -> None:
    paper = console()
    paper.print(
        f"{number_of(imported.read, 'row')} read: {imported.recorded:,} recorded, "
        f"{number_of(imported.duplicates, 'duplicate')}, {imported.rejected_count:,} rejected"
        + (f", {imported.spooled:,} kept in the spool" if imported.spooled else "")
    )
    for row in imported.rejected[:SHOWN_REJECTIONS]:
        sentence(paper, plain(row.reason), lead=f"line {row.line}: ")
    for known in imported.differing[:SHOWN_REJECTIONS]:
        sentence(paper, plain(known.note), lead=f"line {known.line}, a duplicate: ")
    if (others := imported.differing_count - min(len(imported.differing), SHOWN_REJECTIONS)) > 0:
        paper.print(f"and {number_of(others, 'duplicate')} more that differ")
    more = imported.rejected_count - min(len(imported.rejected), SHOWN_REJECTIONS)
    if more > 0:
        paper.print(f"and {more:,} more" + ("" if is_kept else ": --rejected-to FILE keeps them all, to fix"))


def _show_how_to_fix(to_fix: "RejectedLinesFile", given: "dict[str, str | None]", *, is_epoch: bool) -> None:
    """Say where the rejected rows are, and what to do with them."""
    paper = console()
    options = [word for name, value in given.items() if value for word in (f"--{name}", value)]
    options += ["--epoch"] if is_epoch else []
    left_out = f"; {number_of(to_fix.left_out, 'row')} too long to be kept" if to_fix.left_out else ""
    command = shlex.join(["ledger", "import", str(to_fix.path), *options])
    for message in (
        f"the rejected rows are in {to_fix.path}, why in {to_fix.reasons_path}{left_out}",
        f"fix them there, then: {command}",
    ):
        paper.print(message, soft_wrap=True)  # a command is in it, which is copied whole
