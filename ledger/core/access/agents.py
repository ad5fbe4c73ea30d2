"""Agents: programs with a model inside that act on somebody's behalf, and how the history names the two of them.

An agent is no person. What it does is done by the person behind it, so that it is never a second one beside them.
"""

import unicodedata
from collections.abc import Callable
from itertools import pairwise

# Nobody who is no agent has a name that looks like one with this in it (`check_person` of actors.py).
VIA = " via agent "
NAME_MAX_CHARACTERS = 40
UNNAMED = "unnamed"
_SIGNS = frozenset(" ._-/")


def agent_name(said: object) -> str:
    """Return what a client calls itself as it is kept: it says so itself, and it may say anything.

    Letters, digits and a few signs are left, in one line, and the beginning of what is long.
    """
    text = unicodedata.normalize("NFKC", said[: NAME_MAX_CHARACTERS * 8]) if isinstance(said, str) else ""
    left = "".join(letter if _is_left(letter) else " " for letter in text)
    return " ".join(left.split())[:NAME_MAX_CHARACTERS].strip() or UNNAMED


def _is_left(letter: str) -> bool:
    return letter in _SIGNS or unicodedata.category(letter)[0] in "LN"


def through_agent(person: str, agent: str) -> str:
    """Return whom the history names for what an agent does: `alice via agent claude`."""
    return f"{person}{VIA}{agent_name(agent)}"


def person_behind(actor: str) -> str:
    """Return the person that an actor is, or on whose behalf it acts."""
    return actor.partition(VIA)[0]


def is_agent(actor: str) -> bool:
    """Say whether an actor is an agent, on behalf of somebody."""
    return VIA in actor


def looks_like_agent(name: str, alike: Callable[[str], str]) -> bool:
    """Say whether people would take a name for that of an agent; `alike` folds what they cannot tell apart."""
    words = [alike(word) for word in name.split()]
    via, agent = (alike(word) for word in VIA.split())
    return any(pair == (via, agent) for pair in pairwise(words))
