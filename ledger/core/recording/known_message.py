"""A message that comes again: what the ledger learns from it, and what is said of what it does not take over."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.core.persons.person import is_pseudonym
from ledger.core.recording.message import Campaign, Message, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMessage:
    """What the ledger has of a message already."""

    id: int
    campaign: Campaign | None
    recipients: tuple[UserId, ...]
    undelivered: Mapping[str, tuple[UserId, ...]]


def new_users(known: KnownMessage, message: Message) -> tuple[UserId, ...]:
    """Return the users that a message names and the ledger does not have; who did not get it is none of them.

    Of whom somebody was erased, none are new: nobody knows whether they are the one who was.
    """
    had = {*known.recipients, *(user for users in known.undelivered.values() for user in users)}
    if any(map(is_pseudonym, had)):
        return ()
    return tuple(user for user in message.recipients if user not in had)


def note_on(known: KnownMessage, message: Message, added: int) -> str | None:
    """Say how a message differs from what the ledger has of it, and what became of that; None when it does not."""
    notes = []
    if message.campaign is not None and message.campaign != known.campaign:
        kept = f"campaign {known.campaign}" if known.campaign is not None else "no campaign"
        notes.append(f"{kept} kept (`ledger tag` changes it)")
    if added:
        notes.append(f"{added} user{'s' if added > 1 else ''} added")
    return ", ".join(notes) or None
