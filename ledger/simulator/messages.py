"""The messages that the pretend DingTalk holds, by key."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Chat(StrEnum):
    """The kind of chat that a message went to; each has paths of its own."""

    ONE_ON_ONE = "one_on_one"
    GROUP = "group"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one send call made; `users` are those it reached, `app` is None when any app may touch it.

    What it says is known of one-on-one sends.
    """

    key: str
    robot_code: str
    sent_at: datetime
    chat: Chat = Chat.ONE_ON_ONE
    users: tuple[str, ...] = ()
    conversation: str | None = None
    app: str | None = None
    recalled_at: datetime | None = None
    msg_key: str | None = None
    msg_param: str | None = None


class MessageBook:
    """All messages; every question about one key is one look into a dict."""

    def __init__(self) -> None:
        self._by_key: dict[str, Message] = {}
        self._just_recalled: list[Message] = []

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._by_key.values())

    def find(self, key: str) -> Message | None:
        """Return the message of a key, or None."""
        return self._by_key.get(key)

    def add(self, messages: Iterable[Message]) -> int:
        """Take messages in, over those of the same key; return how many were given."""
        before = list(messages)
        self._by_key.update((message.key, message) for message in before)
        return len(before)

    def recall(self, key: str, now: datetime) -> None:
        """Mark a message as recalled; the first time stands."""
        message = self._by_key[key]
        if message.recalled_at is None:
            self._by_key[key] = replace(message, recalled_at=now)
            self._just_recalled.append(message)

    def take_just_recalled(self) -> list[Message]:
        """Return what was recalled since this was asked last."""
        found, self._just_recalled = self._just_recalled, []
        return found

    def age(self, by: timedelta, keys: Collection[str] | None = None) -> int:
        """Make messages look as if they had been sent `by` earlier; return how many."""
        chosen = [m for m in self if keys is None or m.key in keys]
        return self.add(replace(message, sent_at=message.sent_at - by) for message in chosen)

    def clear(self) -> None:
        """Forget every message."""
        self._by_key.clear()
