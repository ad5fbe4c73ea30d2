"""What is decided, in one sentence: how many messages, which ones, and from how many people they are taken."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from ledger.clock import parse_time
from ledger.core.named import Meant, meant_by, shortened

_WORDS = {
    "campaign": "of {}",
    "untagged": "without a campaign",
    "users": "that reached {}",
    "keys": "with the key {}",
    "robot": "sent by robot {}",
    "source": "from source {}",
    "since": "sent from {}",
    "until": "sent before {}",
}


def decision(
    messages: int,
    people: int,
    selection: Mapping[str, Any],
    *,
    name: Callable[[str], str],
    time: Callable[[datetime], str],
    taken: Collection[str | None] | None = None,
) -> str:
    """Write `recall 350 messages of spring-promo from 2,114 people`; a long name is cut in its middle.

    `selection` is its JSON, `taken` are the campaigns of which something is taken; `name` and `time` write what others
    chose, and times, as the reader can have them.
    """

    return f"recall {decided_on(messages, people, selection, name=name, time=time, taken=taken)}"


def decided_on(
    messages: int,
    people: int | None,
    selection: Mapping[str, Any],
    *,
    name: Callable[[str], str],
    time: Callable[[datetime], str],
    taken: Collection[str | None] | None = None,
) -> str:
    """Write what a decision is about: `350 messages of spring-promo from 2,114 people`; with None, without people."""
    what = f"{number_of(messages, 'message')} {asked_for(selection, name=name, time=time, taken=taken)}".rstrip()
    if people is None:
        return what
    if messages and not people:
        return f"{what} (the ledger does not know from whom)"
    return f"{what} from {number_of(people, 'person', 'people')}"


def asked_for(
    selection: Mapping[str, Any],
    *,
    name: Callable[[str], str],
    time: Callable[[datetime], str],
    taken: Collection[str | None] | None = None,
) -> str:
    """Write which messages a selection means: `of spring-promo`, `that reached zhang.san sent from 1 Mar`."""

    def meant(one: Meant) -> str:
        is_time = one.kind in ("since", "until")
        names = [time(parse_time(each)) if is_time else name(shortened(each)) for each in one.names]
        return _WORDS[one.kind].format(", ".join(names) + (f" and {one.more:,} more" if one.more else ""))

    return " ".join(map(meant, meant_by(selection, taken)))


def number_of(count: int, noun: str, plural: str | None = None) -> str:
    """Write `1 message`, `1,200 messages`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
