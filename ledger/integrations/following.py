"""Following a request through a hook: what a hook hands its sends to, and what becomes of them."""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from ..core.never_left import name_of, never_left
from ..core.recording.send_calls import send_path
from ..errors import SendingStoppedError
from . import endings, tags

# So long does an event loop look after an entry by itself, before a thread sees to it that it is on disk.
PATIENCE_SECONDS = 1.0

log = logging.getLogger("ledger.integrations")


class SendUnderWay(Protocol):
    """One send that is under way; exactly one of these ends it, and none of them raises."""

    @property
    def id(self) -> str:
        """The name by which the journal knows it."""

    def answered(self, status: int, body: object, /) -> Any:
        """Take the answer in; return what can be waited for, or None."""

    def lost(self, why: str, /) -> Any:
        """Note that no answer came to what may have arrived."""

    def void(self) -> None:
        """Forget what never left."""


class Sink(Protocol):
    """Where sends go: the send recorder of a ledger, or a feed. None of its methods raises."""

    def sending(
        self,
        method: str,
        url: str,
        body: object,
        /,
        *,
        campaign: str | None,
        source: str | None,
        expires_in: float | None,
        instead: str | None,
    ) -> SendUnderWay | None:
        """Begin a send that is about to leave, `instead` of one; None when it is none, or cannot be followed."""

    def wait(self, entry: Any, /) -> None:
        """Return once what `answered` gave is on disk."""


@dataclass(slots=True, eq=False)
class Following:
    """One request under way, as one hook sees it. Without a `sending` there is nothing to do."""

    watching: "Watching"
    sending: SendUnderWay | None
    own: tags.Tags = tags.NONE
    entry: Any = None

    def answered(self, status: int, body: object) -> None:
        """Take the answer in."""
        sending, self.sending = self.sending, None
        if sending is not None:
            self.entry = sending.answered(status, body)

    def failed(self, error: BaseException, *, is_sure: bool = True) -> None:
        """Take in that there is no answer; `is_sure` says whether `error` tells all that happened to the request."""
        sending, self.sending = self.sending, None
        if sending is None:
            return
        status = endings.status_of(error)
        if status is not None:
            self.entry = sending.answered(status, b"")
        elif is_sure and never_left(error):
            sending.void()
        else:
            self.entry = sending.lost(endings.why(error))

    def give_way(self) -> None:
        """Leave the request to a hook further in, which sees it nearer to the wire."""
        sending, self.sending = self.sending, None
        if sending is not None:
            sending.void()


_outer: ContextVar[Following | None] = ContextVar("ledger_following", default=None)


def current() -> Following | None:
    """Return the request that a hook further out follows just now."""
    return _outer.get()


@dataclass(frozen=True, kw_only=True)
class Watching:
    """How the sends of a client are followed: where they go, and whether the sender waits for the disk."""

    sink: Sink
    waits: bool = False
    # Whether nothing more of a campaign is to be sent; None for senders that no recall may stop.
    is_stopped: Callable[[str | None], str | None] | None = None

    def is_send(self, method: str, url: str) -> bool:
        """Return whether a request is a send; every other one passes untouched."""
        return send_path(method, url) is not None

    @contextmanager
    def follow(
        self, method: str, url: str, body: object, own: tags.Tags, *, is_sure: bool = True
    ) -> Iterator[Following]:
        """Follow one request; what is raised inside is taken for its end.

        Raise SendingStoppedError before it leaves, where the sender wants that. Of several hooks around one request the
        innermost records it, for it is the one that sees what goes out.
        """
        outer = _outer.get()
        own = own.over(outer.own) if outer is not None else own
        tagged = own.over(tags.current())
        if self.is_stopped is not None and (stopped := self.is_stopped(tagged.campaign)) is not None:
            raise SendingStoppedError(stopped)
        further_out = outer.sending if outer is not None and outer.watching.sink is self.sink else None
        instead = further_out.id if further_out is not None else None
        sending = self.sink.sending(
            method,
            url,
            body,
            campaign=tagged.campaign,
            source=tagged.source,
            expires_in=tagged.expires_in,
            instead=instead,
        )
        following = Following(self, sending, own)
        if outer is not None and further_out is not None and sending is not None:
            outer.give_way()
        token = _outer.set(following)
        try:
            yield following
        except BaseException as error:
            following.failed(error, is_sure=is_sure)
            raise
        finally:
            _outer.reset(token)

    def settle(self, following: Following) -> None:
        """Return once the disk has what came of a send, if the sender wants to wait for that."""
        if self.waits and following.entry is not None:
            self.sink.wait(following.entry)

    async def settle_async(self, following: Following) -> None:
        """Do as `settle` does, without holding up an event loop."""
        if not self.waits or following.entry is None:
            return
        entry = following.entry
        if "trio" in sys.modules and asyncio._get_running_loop() is None:
            await sys.modules["trio"].to_thread.run_sync(self.sink.wait, entry)
        elif not await entry.outcome.is_done_within(PATIENCE_SECONDS):
            await asyncio.get_running_loop().run_in_executor(None, self.sink.wait, entry)


def unharmed(work: Callable[[], Any]) -> Any:
    """Do something of ours whose failure must not become the sender's; return None then."""
    try:
        return work()
    except Exception as error:
        log.error("a send could not be looked at: %s", name_of(type(error)))
        return None
