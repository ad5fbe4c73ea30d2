"""Tags: under which campaign and source the sends of a block are recorded, in its tasks, threads and processes too."""

import functools
import importlib
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ..core.recording.expiry import seconds_of

CAMPAIGN_HEADER = "x-ledger-campaign"
SOURCE_HEADER = "x-ledger-source"
EXPIRES_HEADER = "x-ledger-expires"
HEADERS = (CAMPAIGN_HEADER, SOURCE_HEADER, EXPIRES_HEADER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What the sends of a block, or one request, are tagged with; after `expires_in` seconds they shall vanish."""

    campaign: str | None = None
    source: str | None = None
    expires_in: float | None = None

    def over(self, other: "Tags | None") -> "Tags":
        """Return these tags, with those of another for what is left open."""
        if other is None:
            return self
        return Tags(
            campaign=self.campaign or other.campaign,
            source=self.source or other.source,
            expires_in=other.expires_in if self.expires_in is None else self.expires_in,
        )


NONE = Tags()
_tags: ContextVar[Tags | None] = ContextVar("ledger_tags", default=None)


def current() -> Tags:
    """Return the tags of the block that runs now."""
    return _tags.get() or NONE


@contextmanager
def tagged(tags: Tags) -> Iterator[None]:
    """Tag every send inside; a block within a block keeps the outer one's tags for what it leaves open."""
    _carry()
    with _set(tags.over(_tags.get())):
        yield


def taken_for_good(headers: MutableMapping[str, Any]) -> Tags:
    """Take the tags out of headers and return them."""
    return _read({name: headers.pop(name) for name in HEADERS if name in headers})


@contextmanager
def taken_from(headers: MutableMapping[str, Any]) -> Iterator[Tags]:
    """Take the tags out of a request's headers while it is under way: they are for us, and are not sent."""
    taken = {name: headers.pop(name) for name in HEADERS if name in headers}
    try:
        yield _read(taken)
    finally:
        for name, value in taken.items():
            headers[name] = value


def _read(taken: Mapping[str, Any]) -> Tags:
    return Tags(
        campaign=_text(taken.get(CAMPAIGN_HEADER)),
        source=_text(taken.get(SOURCE_HEADER)),
        expires_in=seconds_of(_text(taken.get(EXPIRES_HEADER))),
    )


def _text(value: object) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else None


# A signal handler may begin a block while its own thread begins the first one.
_lock = threading.RLock()
_is_carrying = False


def _carry() -> None:
    """See to it, from the first block on, that what begins inside one carries its tags: threads, processes, pool jobs.

    Only our own variable travels: everything else about them and their contexts stays as it is.
    """
    global _is_carrying
    if _is_carrying:
        return
    with _lock:
        if not _is_carrying:
            _is_carrying = True
            threading.Thread.start = _start(threading.Thread.start)  # type: ignore[assignment, method-assign]
            ThreadPoolExecutor.submit = _submit(ThreadPoolExecutor.submit)  # type: ignore[method-assign]
            _carry_into_processes()


def _carry_into_processes() -> None:
    """Do so for processes, and for the pools of multiprocessing, which may be made of processes or threads."""
    # Loaded now, ten milliseconds once: who loads them inside the block hands in the first job at once.
    try:
        executors = importlib.import_module("concurrent.futures.process")
        pools = importlib.import_module("multiprocessing.pool")
        processes = importlib.import_module("multiprocessing.process")
    except (ImportError, RuntimeError):  # a system without them, or an interpreter that ends
        return
    executors.ProcessPoolExecutor.submit = _submit(executors.ProcessPoolExecutor.submit)
    processes.BaseProcess.start = _start_process(processes.BaseProcess.start)
    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
        setattr(pools.Pool, name, _handed_in(getattr(pools.Pool, name)))


def _start(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    @functools.wraps(start)
    def carrying(thread: threading.Thread) -> None:
        tags = _tags.get()
        if tags is not None:
            # On the thread itself, since a subclass may have a `run` of its own.
            thread.run = _TaggedWork(tags, thread.run)  # type: ignore[method-assign]
        start(thread)

    return carrying


def _start_process(start: Callable[[Any], None]) -> Callable[[Any], None]:
    @functools.wraps(start)
    def carrying(process: Any) -> None:
        tags = _tags.get()
        if tags is None or "run" in vars(process):
            start(process)
            return
        process.run = _TaggedWork(tags, _Run(process))
        try:
            start(process)
        finally:
            del process.run

    return carrying


def _submit(submit: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    @functools.wraps(submit)
    def carrying(pool: Any, job: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        tags = _tags.get()
        if tags is None:
            return submit(pool, job, *args, **options)
        # The job carries the tags. What the pool may start for it must not: it outlives the block.
        with _set(None):
            return submit(pool, _TaggedWork(tags, job), *args, **options)

    return carrying


def _handed_in(hand_in: Callable[..., Any]) -> Callable[..., Any]:
    """Let jobs carry the tags of where they were handed in, or none: threads and forks of a block live on beyond it."""

    @functools.wraps(hand_in)
    def carrying(pool: Any, job: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return hand_in(pool, _TaggedWork(_tags.get(), job), *args, **options)

    return carrying


@contextmanager
def _set(tags: Tags | None) -> Iterator[None]:
    token = _tags.set(tags)
    try:
        yield
    finally:
        _tags.reset(token)


class _TaggedWork:
    """Something to call with tags, here or in another process: it can be pickled whenever what it calls can be."""

    def __init__(self, tags: Tags | None, work: Callable[..., Any]) -> None:
        self._tags, self._work = tags, work

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self._tags is not None:
            _carry()
        with _set(self._tags):
            return self._work(*args, **options)


class _Run:
    """What a process does by its class; its method itself need not be found by its name where it is unpickled."""

    def __init__(self, process: Any) -> None:
        self._process = process

    def __call__(self) -> None:
        type(self._process).run(self._process)
