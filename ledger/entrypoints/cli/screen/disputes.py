"""What is disputed of a recall, in words: on top of it, and beside the values themselves."""

from typing import TYPE_CHECKING

from ledger.entrypoints.cli.screen.sentences import sentence
from ledger.entrypoints.cli.screen.words import moment, number_of, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from ledger.core.audit.disputes import Dispute, Disputes
    from ledger.core.recalls.spot_check import StillThere

SHOWN_DISPUTES = 10


def show_disputes(paper: "Console", disputes: "Disputes") -> None:
    """Write that values of a recall are disputed, and which."""
    checked = f"checked {moment(disputes.checked_at)}"
    if not disputes.values:
        paper.print(f"The history disputes more than is kept, {checked}: `ledger verify` names it", style="bold red")
        return
    values = number_of(len(disputes.values), "value")
    verb = "is" if len(disputes.values) == 1 else "are"
    paper.print(f"DISPUTED: {values} below {verb} not what the history says, {checked}", style="bold red")
    for one in disputes.values[:SHOWN_DISPUTES]:
        name = " ".join(part for part in (one.what.replace("_", " "), one.key) if part)
        sentence(paper, f"disputed: {plain(name)}: {dispute_in_words(one)}", lead="  ")
    if len(disputes.values) > SHOWN_DISPUTES:
        paper.print(f"  and {len(disputes.values) - SHOWN_DISPUTES:,} more: --json", style="dim")
    if not disputes.are_all:
        paper.print("  not all that was found is kept: `ledger verify` says how much it was")


def show_still_there(paper: "Console", found: "Sequence[StillThere]") -> None:
    """Write that DingTalk says of recalled messages that they are there."""
    checked = moment(max(one.checked_at for one in found))
    paper.print(
        f"DISPUTED: {number_of(len(found), 'recalled message')} {'is' if len(found) == 1 else 'are'} still there, "
        f"says DingTalk, asked {checked}",
        style="bold red",
    )
    for one in found[:SHOWN_DISPUTES]:
        sentence(paper, f"still there: {plain(one.process_query_key)}", lead="  ")
    if len(found) > SHOWN_DISPUTES:
        paper.print(f"  and {len(found) - SHOWN_DISPUTES:,} more: --json", style="dim")


def mark_of(disputes: "Disputes | None", what: str, key: str) -> str:
    """Return what stands beside a row that is disputed; empty for one that is not."""
    found = disputes.of(what, key) if disputes is not None else []
    return f"disputed: {'; '.join(map(dispute_in_words, found))}" if found else ""


def dispute_in_words(one: "Dispute") -> str:
    """Say what the history says instead."""
    if one.field is None:
        return "the history says that it is there" if one.kind == "missing" else "the history knows nothing of it"
    said = one.history_says
    written = ", ".join(map(str, said)) if isinstance(said, list) else "nothing" if said is None else str(said)
    return f"the history says {plain(one.field).replace('_', ' ')} {plain(written)}"
