"""Inside a sender under `ledger run`: one feed for the whole process, and every library that is loaded hooked to it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from . import clients
from .feed import Feed
from .following import Watching

VARIABLE, SIGN_VARIABLE, HOSTS_VARIABLE = "DINGTALK_LEDGER_RUN", "DINGTALK_LEDGER_SIGN", "DINGTALK_LEDGER_HOSTS"


class Observer(Protocol):
    """What the bootstrap keeps for `ledger run`: who talks to DingTalk, and what was recorded of it."""

    def note(self, word: str, /) -> None:
        """Leave a word of what happened to a send."""

    def saw(self, url: str, /) -> None:
        """Take in that a hook saw a request."""


@dataclass(frozen=True, kw_only=True)
class WatchingRun(Watching):
    """Follows as others do, and says of each request that it was seen."""

    sight: Observer

    def is_send(self, method: str, url: str) -> bool:
        """Return whether a request is a send."""
        self.sight.saw(url)
        return super().is_send(method, url)


def described(
    spool: Sequence[Path],
    campaign: str | None,
    source: str | None,
    courier: str | None = None,
    *,
    keeps_excerpt: bool = False,
) -> str:
    """Write what a sender has to know as the value of the environment variable that tells it.

    `spool` are the folders in which it may write, in order, and `courier` where its companion listens.
    """
    folders = [str(folder) for folder in spool]
    detail = {"spool": folders, "campaign": campaign, "source": source, "courier": courier}
    return json.dumps({**detail, "excerpt": keeps_excerpt})


def hook(library: Any, detail: str, sight: Observer) -> None:
    """Follow the sends of all clients of a library, into the spool that the environment tells of."""
    clients.LIBRARIES[library.__name__](library, WatchingRun(sink=_feed(detail, sight), sight=sight))


_feeds: dict[str, Feed] = {}


def _feed(detail: str, sight: Observer) -> Feed:
    """Return the one feed of this process."""
    if detail not in _feeds:
        _feeds[detail] = _made(detail, sight)
    return _feeds[detail]


def _made(detail: str, sight: Observer) -> Feed:
    message = json.loads(detail)
    folders = [Path(folder) for folder in message["spool"]]
    return Feed(
        folders,
        message["campaign"],
        message["source"],
        note=sight.note,
        courier=message["courier"],
        keeps_excerpt=message["excerpt"],
    )
