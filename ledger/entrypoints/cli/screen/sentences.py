"""Sentences on a screen: broken between words, further lines set in, and nothing broken that somebody has to copy.

A file or a pipe, which has no width, gets each in one line.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ledger.core.json_value import printable_lines

if TYPE_CHECKING:
    from rich.console import Console

SET_IN = 2
_WIDE = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60"
# What stays together, and whether a blank stands before it. A command, between backticks, with a line break in it would
# be run by half where it is pasted; Chinese has no blanks, and a line may end after each letter.
_PIECE = re.compile(rf"(\s*)([{_WIDE}]|(?:`[^`]*`|`|[^\s`{_WIDE}])+)")


def sentence(paper: "Console", text: str, *, lead: str = "", style: str | None = None) -> None:
    """Write a sentence behind a lead; further lines stand under its first word, under a blank lead a little further in.

    A line break in it stays one.
    """
    from rich.text import Text

    whole = printable_lines(lead + text)
    lines = _flowing(printable_lines(text), printable_lines(lead), paper.width) if paper.is_terminal else [whole]
    for line in lines:
        # A word longer than the screen goes on in the next line by itself, and is copied whole.
        paper.print(Text(line, style=style or ""), soft_wrap=True)


def _flowing(text: str, lead: str, width: int) -> Iterator[str]:
    from rich.cells import cell_len

    behind = cell_len(lead) + (0 if lead.strip() else SET_IN if lead else 0)
    hanging = " " * (behind if behind <= width // 2 else SET_IN * 2)
    for paragraph in text.split("\n"):
        line, is_empty = lead, True
        for blanks, piece in _PIECE.findall(paragraph):
            gap = " " if blanks and not is_empty else ""
            if not is_empty and cell_len(line + gap + piece) > width:
                yield line
                line, gap = hanging, ""
            line, is_empty = line + gap + piece, False
        yield line
        lead = hanging
