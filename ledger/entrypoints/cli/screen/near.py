"""Did you mean: what is said of names that there are not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ledger.entrypoints.cli.screen.words import plain

if TYPE_CHECKING:
    from ledger.core.near_names import NearNames

# There may have been some, which is purged.
_NOTHING = {
    "campaign": "the ledger holds nothing of campaign",
    "robot": "the ledger holds nothing of robot",
    "user": "nothing of late reached user",
    "actor": "nobody recalled anything under the name of",
}


def near_in_words(found: "Sequence[NearNames]") -> str:
    """Say of each name that there is nothing of it, and which are near; empty where every name is known."""
    return "; ".join(f"{_NOTHING[one.kind]} {plain(one.asked)}{_question(one.names)}" for one in found)


def near_after(found: "Sequence[NearNames]") -> str:
    """Return the same as what follows a sentence; empty where every name is known."""
    text = near_in_words(found)
    return f". {text[0].upper()}{text[1:]}" if text else ""


def _question(names: Sequence[str]) -> str:
    if not names:
        return ""
    *others, last = map(plain, names)
    return f": did you mean {', '.join(others)} or {last}?" if others else f": did you mean {last}?"
