"""The excerpt of a message: its title, or the first letters of its text, kept only where that was asked for.

Doors inside other people's programs load this file: only the standard library is sure to be there.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..bodies import fields_of, plain_text

EXCERPT = "excerpt"
MOST_CHARACTERS = 80
# In this order: what a sender calls the title says more than the beginning of the text.
_TITLES = ("title", "messageTitle", "markdownTitle")
_TEXTS = ("content", "text", "markdown", "body", "messageContent")


def excerpt_of(request: Mapping[str, Any]) -> str | None:
    """Return the excerpt of what a send's request says; None when no text of it can be read."""
    parts = list(_parts_of(request))
    for names in (_TITLES, _TEXTS):
        for part in parts:
            for name in names:
                if found := shortened_excerpt(part.get(name)):
                    return found
    return None


def shortened_excerpt(value: object) -> str | None:
    """Return the first letters of a text in one line, as they can be kept; None for what holds none."""
    text = " ".join((plain_text(value[: 20 * MOST_CHARACTERS] if isinstance(value, str) else value) or "").split())
    return (text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…") or None


def _parts_of(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield where a message may have its text: `msgParam` of robots, the parameters of cards, a webhook's body."""
    yield fields_of(request.get("msgParam"))
    card = fields_of(request.get("cardData"))
    yield fields_of(card.get("cardParamMap"))
    yield card
