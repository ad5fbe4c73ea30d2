"""People in plain words: whether everybody lost it, who still has it, and one person a line."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ledger.core.persons.reached_people import PersonStanding
from ledger.entrypoints.cli.screen.sheet import Column, SheetRow, print_sheet
from ledger.entrypoints.cli.screen.words import number_of, plain

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.core.persons.reached_people import PeopleCount, PersonLine

# Widths are fixed: a long list is written in pieces, and they stand under each other.
_PEOPLE = (
    Column(title="user", width=24),
    Column(title="messages", is_number=True, width=8, goes=2),
    Column(title="recalled", is_number=True, width=8, goes=1),
    Column(title="left", is_number=True, width=6),
    Column(title="unknown", is_number=True, width=7),
    Column(title="never got", is_number=True, width=9, goes=3),
)
_STYLES = {PersonStanding.LEFT: "yellow", PersonStanding.UNKNOWN: "yellow", PersonStanding.NEVER: "dim"}


def people_in_words(count: "PeopleCount") -> str | None:
    """Say whether everybody lost it, and who did not; None where nobody knows whom it reached."""
    if not count.people and not count.never:
        return None
    return "; ".join(_parts(count))


def _parts(count: "PeopleCount") -> Iterator[str]:
    people = number_of(count.people, "person", "people")
    if count.people:
        whole = f"all {people} lost it" if count.people > 1 else "the one person whom it reached lost it"
        yield whole if count.lost == count.people else f"{count.lost:,} of {people} lost it"
    if count.left:
        names = ", ".join(map(plain, count.still))
        more = count.left - len(count.still)
        yield f"{count.left:,} still {'has' if count.left == 1 else 'have'} it: {names}" + (
            f" and {more:,} more" if more else ""
        )
    if count.unknown:
        yield f"of {count.unknown:,} nobody can say"
    if count.never:
        yield f"{count.never:,} never got it"


def print_people(paper: "Console", lines: "Sequence[PersonLine]", *, show_header: bool = True) -> None:
    """Write people, a row each."""
    rows = [
        SheetRow(
            cells=(
                plain(line.user),
                *(f"{count:,}" for count in (line.messages, line.recalled, line.left, line.unknown)),
                f"{line.undelivered:,}",
            ),
            style=_STYLES.get(line.standing),
        )
        for line in lines
    ]
    print_sheet(paper, _PEOPLE, rows, show_header=show_header)
