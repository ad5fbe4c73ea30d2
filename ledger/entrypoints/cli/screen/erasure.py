"""What is stored of a person, and what an erasure did, in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ledger.entrypoints.cli.screen.sentences import sentence
from ledger.entrypoints.cli.screen.words import number_of

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.services.persons.eraser import Erasure, Traces
    from ledger.store.persons.mentions import Mention

_PLACES = {
    "messages": ("message that can still be recalled", "messages that can still be recalled"),
    "keyless": ("send without a key", "sends without a key"),
    "items": ("message in recalls", "messages in recalls"),
    "skips": ("message that recalls left out", "messages that recalls left out"),
    "corrections": ("call of corrections", "calls of corrections"),
    "events": ("event of a message", "events of messages"),
    "selections": ("recall that asked for this person", "recalls that asked for this person"),
    "excerpts": ("excerpt of a message, which is deleted", "excerpts of messages, which are deleted"),
    "answers": ("kept answer", "kept answers"),
    "refused": ("refused row", "refused rows"),
}


def show_traces(paper: "Console", traces: "Traces") -> None:
    """Write where a person stands."""
    if not traces.is_known:
        paper.print(
            "Nothing is stored of this id. Upper and lower case are two ids, as are ids with a blank and without."
        )
    else:
        paper.print("The id of this person stands in")
        for line in _counts(traces.places):
            sentence(paper, line, lead="  ")
    for line in _warnings(traces.mentioned, traces.journals):
        sentence(paper, line)


def show_erasure(paper: "Console", done: "Erasure") -> None:
    """Write what an erasure did."""
    if done.person is None:
        paper.print("Nothing was erased.")
        return
    paper.print(f"Erased, and shown as {done.person} from now on, in")
    for line in _counts(done.places):
        sentence(paper, line, lead="  ")
    paper.print(
        "Not touched: backups, the database server's log, files that were exported before, and logs of before.",
        soft_wrap=True,
    )


def _counts(places: Mapping[str, int]) -> Iterator[str]:
    return (number_of(count, *_PLACES[place]) for place, count in places.items() if count)


def _warnings(mentioned: "Sequence[Mention]", journals: Sequence[str]) -> Iterator[str]:
    for one in mentioned:
        numbers = ", ".join(map(str, one.numbers))
        yield f"The id is mentioned in {one.place} ({numbers}): texts are left as they are."
    for path in journals:
        yield f"A sender that still runs has the id in {path}: it goes with the sender; look again then."
