"""People in the proof: the history names each by a commitment, which says nothing once its secret is gone.

A commitment is half of a SHA-256 over a secret and a user id. Once somebody is erased, the commitments of everybody
else are kept one by one, and the secret is gone: nobody can try an id any more. Whoever was erased has a pseudonym, by
lot.
"""

import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import chain
from typing import Any

SECRET_BYTES = 32
# 128 bits: nobody finds another id for one of them.
DIGITS = 32
PSEUDONYM_BYTES = 6
_PSEUDONYM = re.compile(rf"erased-[0-9a-f]{{{2 * PSEUDONYM_BYTES}}}")


def commitments_of(secret: bytes, users: Iterable[str]) -> dict[str, str]:
    """Return what the history names users by; there may be a million of them."""
    begun, found = sha256(secret), dict[str, str]()
    for user in users:
        # A copy of what has taken the secret in is quicker than to begin anew.
        one = begun.copy()
        one.update(user.encode("utf-8", "surrogatepass"))
        found[user] = one.hexdigest()[:DIGITS]
    return found


def seal_of(secret: bytes, kept: Iterable[tuple[str, str]]) -> str:
    """Return a digest over users and their commitments, in an order, that says nothing without the secret."""
    seal = hmac.new(secret, digestmod=sha256)
    for user, commitment in kept:
        seal.update(f"{user}\n{commitment}\n".encode("utf-8", "surrogatepass"))
    return seal.hexdigest()


def pseudonym_of(lot: bytes) -> str:
    """Return a name for somebody who is erased; it has nothing of the id."""
    return f"erased-{lot.hex()}"


def mentions_of(user: str) -> re.Pattern[str]:
    """Return a pattern of a user id as a word of its own, in a text or in JSON; digits of a time of day are no word."""
    words = {re.escape(user), re.escape(json.dumps(user, ensure_ascii=False)[1:-1]), re.escape(json.dumps(user)[1:-1])}
    return re.compile(rf"(?<![0-9A-Za-z_.@-])(?<!\d:)(?:{'|'.join(sorted(words))})(?![0-9A-Za-z_@-]|\.[0-9A-Za-z]|:\d)")


def is_pseudonym(user: str) -> bool:
    """Say whether a user id has the form of such a name."""
    return user.startswith("erased-") and _PSEUDONYM.fullmatch(user) is not None


def users_in(cells: Sequence[Any]) -> set[str]:
    """Return the user ids in cells of recipients (lists) and of whom messages did not reach (lists by reason).

    Whoever edits rows may have written anything there.
    """
    lists = [cell for cell in cells if type(cell) is list]
    others = [cell for cell in cells if cell and type(cell) is dict]
    lists += [some for cell in others for some in cell.values() if type(some) is list]
    try:
        users = set(chain.from_iterable(lists))
    except TypeError:  # what is in them has lists of its own
        users = {user for some in lists for user in some if type(user) is str}
    return users if set(map(type, users)) <= {str} else {user for user in users if type(user) is str}


def committed(cell: Any, commitments: Mapping[Any, str]) -> Any:
    """Return such a cell as the history covers it; what is of nobody known is like no commitment."""
    if type(cell) is list:
        try:
            return " ".join(map(commitments.__getitem__, cell))
        except (KeyError, TypeError):
            return [f"?{user}" for user in cell]
    return {why: committed(some, commitments) for why, some in cell.items()} if cell and type(cell) is dict else cell


def replaced(cell: Any, user: str, pseudonym: str) -> Any:
    """Return such a cell with another name for one user."""
    if isinstance(cell, Mapping):
        return {why: replaced(some, user, pseudonym) for why, some in cell.items()}
    return [pseudonym if one == user else one for one in cell]
