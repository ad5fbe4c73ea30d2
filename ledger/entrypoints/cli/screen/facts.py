"""Facts under each other, a line each: a label, and as much of what there is to say as the screen has room for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.core.json_value import printable
from ledger.entrypoints.cli.screen.sheet import cut_at_end

if TYPE_CHECKING:
    from rich.console import Console

INDENT, GAP = 2, 2


@dataclass(frozen=True, slots=True)
class Fact:
    """What there is to say under a label: `text` always, of `more` what still fits, the first first."""

    label: str
    text: str
    more: tuple[str, ...] = ()
    style: str | None = None


def print_facts(paper: "Console", facts: Sequence[Fact]) -> None:
    """Write facts; a file or a pipe, which has no width, gets all of them whole."""
    from rich.text import Text

    label_width = max((len(fact.label) for fact in facts), default=0)
    room = paper.width - INDENT - label_width - GAP if paper.is_terminal else None
    for fact in facts:
        label = Text(" " * INDENT + fact.label.ljust(label_width) + " " * GAP, style=fact.style or "dim")
        value = Text(_value(fact, room), style=fact.style or "")
        paper.print(label + value, no_wrap=True, overflow="ignore", crop=False)


def _value(fact: Fact, room: int | None) -> str:
    from rich.cells import cell_len

    text = printable(fact.text)
    for addition in map(printable, fact.more):
        if room is not None and cell_len(text + addition) > room:
            break
        text += addition
    return text if room is None else cut_at_end(text, room)
