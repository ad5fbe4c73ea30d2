"""`ledger audit export`: a folder of evidence that stands alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.period import period_of_recall
from ledger.core.recalls.selection import select
from ledger.entrypoints.cli import selection_options as options
from ledger.entrypoints.cli.options import Actor
from ledger.entrypoints.cli.recalled_options import RecalledSince, RecalledUntil, recalled_times
from ledger.entrypoints.cli.screen.output import AsJson, document, say
from ledger.entrypoints.cli.screen.words import number_of
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code
from ledger.errors import InputError
from ledger.services.access.actor import who_acts

if TYPE_CHECKING:
    from ledger.parts import Parts
    from ledger.services.audit.evidence import HandedOut

WHICH = "say of which recalls: --recall ID, or a selection such as --campaign NAME, and not both"


@options.selecting()
def export(
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the evidence.")],
    recall: Annotated[
        list[int] | None, typer.Option("--recall", metavar="ID", min=1, help="Of this recall. Repeatable.")
    ] = None,
    asked: options.SelectionOptions,
    recalled_since: RecalledSince = None,
    recalled_until: RecalledUntil = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> Code:
    """Hand out evidence of recalls that stands alone.

    Of a recall, or of all in which a message ended that fits. DIR gets pages to print (English and Chinese), tables,
    the entries of the history with what proves them, and verify.py, which checks all that with Python alone. That it
    was handed out is an entry of the history. The history is checked first: exit 1 when what is shown is not what it
    says, which the evidence says too.
    """
    selection, recalled = select(**asked), period_of_recall(*recalled_times(recalled_since, recalled_until))
    is_narrowed = not selection.is_empty or recalled_since is not None or recalled_until is not None
    if is_narrowed == bool(recall):
        raise InputError(WHICH)
    who = who_acts(actor)
    with opened() as parts:
        recalls = _known(parts, recall) if recall else parts.evidence.chosen(selection, recalled)
        files, handed = _write(parts, folder, recalls, who)
        left = handed.left
    code = Code.UNEXPECTED if handed.disputed or handed.is_broken else Code.DONE
    if as_json:
        gone = {} if left is None else {"left": left.to_json()}
        disputed = {"disputed": handed.disputed} if handed.disputed else {}
        document({"folder": str(folder), "recalls": recalls, "files": files, **gone, **disputed})
        return code
    if left is not None:
        entries = number_of(left.entries, "entry", "entries")
        say(f"not in it: recalls that ended before {left.before}; they have left the history, with its first {entries}")
    say(f"{number_of(len(recalls), 'recall')} in {folder}: hand on all of it; `python3 verify.py` in there checks it")
    if handed.disputed:
        which = ", ".join(str(number) for number in handed.disputed)
        say(f"error: what is shown of recall {which} is not what the history says: the evidence says where")
    elif handed.is_broken:
        say("error: the history itself has been rewritten: `ledger verify` says where")
    return code


def _known(parts: "Parts", numbers: list[int]) -> list[int]:
    """Return the numbers in order; raise UnknownRecallError for one that no recall has."""
    for number in numbers:
        parts.recall_reports.progress(number)
    return sorted(set(numbers))


def _write(parts: "Parts", folder: Path, recalls: list[int], who: str) -> "tuple[list[str], HandedOut]":
    from ledger.entrypoints.cli.screen.rows_progress import rows_shown
    from ledger.entrypoints.formats.evidence.folder import EvidenceFolder
    from ledger.services.audit.keys import NO_KEY, has_key, private_key

    key = private_key(parts.settings) if has_key(parts.settings) else None
    if key is None:
        say(f"warning: nobody signs this: {NO_KEY}")
    evidence = EvidenceFolder(folder, parts.recall_reports, recalls)
    evidence.begin()
    with rows_shown() as progress:
        handed = parts.evidence.hand_out(recalls, who, is_signed=key is not None, progress=progress)
    return evidence.write(handed, who, key), handed
