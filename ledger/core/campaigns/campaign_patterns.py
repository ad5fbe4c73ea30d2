r"""Campaigns as people type them: a name, or the beginning of names with a star after it (`spring-*`).

A name that ends with a star itself is typed with a backslash before it (`spring-\*`). Programs name
campaigns as they are.
"""

from collections.abc import Collection, Sequence

from ledger.core.access.bounds import ANY_END
from ledger.errors import InputError

_LITERAL = f"\\{ANY_END}"
# A plan lists so many campaigns one by one: what a beginning stands for is always listed.
MOST_MATCHES = 100


def literally(name: str) -> str:
    """Return a name as it is typed to mean itself."""
    return f"{name.removesuffix(ANY_END)}{_LITERAL}" if name.endswith(ANY_END) else name


def is_pattern(typed: str) -> bool:
    """Say whether what was typed is the beginning of names."""
    return typed.endswith(ANY_END) and not typed.endswith(_LITERAL)


def named(typed: str) -> str:
    """Return the name that was typed."""
    return f"{typed.removesuffix(_LITERAL)}{ANY_END}" if typed.endswith(_LITERAL) else typed


def matches(typed: str, known: Collection[str]) -> Sequence[str]:
    """Return the known campaigns that something typed stands for, in their order; a name stands for itself.

    A beginning of nothing that there is stays as it is, and finds nothing. Raise InputError for a star alone, and for a
    beginning of too many.
    """
    if not is_pattern(typed):
        return [named(typed)]
    beginning = typed.removesuffix(ANY_END)
    if not beginning:
        raise InputError("a star alone would be every campaign: name what they begin with, as in spring-*")
    found = sorted(name for name in known if name.startswith(beginning))
    if len(found) > MOST_MATCHES:
        raise InputError(
            f"{len(found):,} campaigns begin with {beginning}, and a plan lists {MOST_MATCHES} at most: name a longer "
            "beginning"
        )
    return found or [typed]
