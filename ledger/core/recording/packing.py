"""What senders would save that put 20 users into a call: in calls of the month, and in the time of a later recall."""

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.core.json_value import JsonValue

USERS_A_SEND, KEYS_A_CALL = 20, 20
# Fewer calls are not worth changing a sender for.
LEAST_SAVED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSends:
    """One-on-one messages of one source and one campaign, by one robot: how many, and how many users got one each."""

    source: str | None
    messages: int
    recipients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing(JsonValue):
    """What one source (None: messages without) sends, and what it would be with as many users as a call takes.

    The same text goes to all users of a call: what is written for each of them cannot be packed.
    """

    source: str | None
    sends: int
    packed_sends: int
    recall_calls: int
    packed_recall_calls: int

    @property
    def saved(self) -> int:
        """How many calls of the month packing saves, were everything recalled as well."""
        return self.sends - self.packed_sends + self.recall_calls - self.packed_recall_calls


def packings(sent: Iterable[SourceSends]) -> list[Packing]:
    """Return the sources for which packing is worth it, those that save most first."""
    by_source: dict[str | None, list[SourceSends]] = {}
    for one in sent:
        by_source.setdefault(one.source, []).append(one)
    found = [_packing(source, those) for source, those in by_source.items()]
    return sorted((one for one in found if one.saved >= LEAST_SAVED), key=lambda one: -one.saved)


def _packing(source: str | None, sent: list[SourceSends]) -> Packing:
    sends = sum(one.messages for one in sent)
    packed = [_calls(one.recipients, USERS_A_SEND) for one in sent]
    return Packing(
        source=source,
        sends=sends,
        packed_sends=min(sum(packed), sends),
        recall_calls=sum(_calls(one.messages, KEYS_A_CALL) for one in sent),
        packed_recall_calls=sum(_calls(number, KEYS_A_CALL) for number in packed),
    )


def _calls(number: int, each: int) -> int:
    return -(-number // each)
