"""Tags: under which campaign and source the sends of a block are recorded, in its tasks and threads too."""

import functools
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

CAMPAIGN_HEADER = "x-ledger-campaign"
SOURCE_HEADER = "x-ledger-source"
HEADERS = (CAMPAIGN_HEADER, SOURCE_HEADER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What the sends of a block, or one request, are tagged with."""

    campaign: str | None = None
    source: str | None = None

    def over(self, other: "Tags | None") -> "Tags":
        """Return these tags, with those of another for what is left open."""
        if other is None:
            return self
        return Tags(campaign=self.campaign or other.campaign, source=self.source or other.source)


NONE = Tags()
_tags: ContextVar[Tags | None] = ContextVar("ledger_tags", default=None)


def current() -> Tags:
    """Return the tags of the block that runs now."""
    return _tags.get() or NONE


@contextmanager
def tagged(tags: Tags) -> Iterator[None]:
    """Tag every send inside; a block within a block keeps the outer one's tags for what it leaves open."""
    _carry_into_threads()
    _carry_into_thread_pools()
    token = _tags.set(tags.over(_tags.get()))
    try:
        yield
    finally:
        _tags.reset(token)


def taken_for_good(headers: MutableMapping[str, Any]) -> Tags:
    """Take the tags out of headers and return them."""
    return Tags(campaign=_text(headers.pop(CAMPAIGN_HEADER, None)), source=_text(headers.pop(SOURCE_HEADER, None)))


@contextmanager
def taken_from(headers: MutableMapping[str, Any]) -> Iterator[Tags]:
    """Take the tags out of a request's headers while it is under way: they are for us, and are not sent."""
    taken = {name: headers.pop(name) for name in (CAMPAIGN_HEADER, SOURCE_HEADER) if name in headers}
    try:
        yield Tags(campaign=_text(taken.get(CAMPAIGN_HEADER)), source=_text(taken.get(SOURCE_HEADER)))
    finally:
        for name, value in taken.items():
            headers[name] = value


def _text(value: object) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else None


_lock = threading.Lock()
_is_carrying = False
_IS_CARRYING = "_ledger_is_carrying"


def _carry_into_threads() -> None:
    """See to it, from the first block on, that threads and pool jobs that begin inside one carry its tags.

    Only our own variable travels: everything else about threads and their contexts stays as it is.
    """
    global _is_carrying
    with _lock:
        if not _is_carrying:
            _is_carrying = True
            threading.Thread.start = _start(threading.Thread.start)  # type: ignore[assignment, method-assign]
            ThreadPoolExecutor.submit = _submit(ThreadPoolExecutor.submit)  # type: ignore[method-assign]


def _start(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    @functools.wraps(start)
    def carrying(thread: threading.Thread) -> None:
        tags = _tags.get()
        if type(thread).__module__ == "multiprocessing.dummy":
            _carry_into_thread_pools()
        if tags is not None:
            # On the thread itself, since a subclass may have a `run` of its own.
            thread.run = _with(tags, thread.run)  # type: ignore[method-assign]
        start(thread)

    return carrying


def _submit(submit: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    @functools.wraps(submit)
    def carrying(pool: ThreadPoolExecutor, job: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        tags = _tags.get()
        if tags is None:
            return submit(pool, job, *args, **options)
        # The job carries the tags. The thread that the pool may start for it must not: it outlives the block.
        token = _tags.set(None)
        try:
            return submit(pool, _with(tags, job), *args, **options)
        finally:
            _tags.reset(token)

    return carrying


def _carry_into_thread_pools() -> None:
    """Do the same for the pools of multiprocessing that are made of threads, once somebody has loaded them.

    Their jobs carry the tags of where they were handed in, or none: the threads live on beyond the block.
    """
    loaded = sys.modules.get("multiprocessing.pool")
    if loaded is None or _IS_CARRYING in vars(loaded.ThreadPool):
        return
    pool = loaded.ThreadPool
    setattr(pool, _IS_CARRYING, True)
    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
        setattr(pool, name, _handed_in(getattr(pool, name)))


def _handed_in(hand_in: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(hand_in)
    def carrying(pool: Any, job: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return hand_in(pool, _with(_tags.get(), job), *args, **options)

    return carrying


def _with(tags: Tags | None, work: Callable[..., Any]) -> Callable[..., Any]:
    def tagged_work(*args: Any, **options: Any) -> Any:
        token = _tags.set(tags)
        try:
            return work(*args, **options)
        finally:
            _tags.reset(token)

    return tagged_work
