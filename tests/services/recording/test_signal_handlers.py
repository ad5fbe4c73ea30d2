"""A signal handler may record, whatever its thread is at: Python runs it between any two lines of the main thread."""

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import select

from ledger import Ledger
from ledger.clock import format_time
from ledger.core.recording.capture import SEND_PATHS
from ledger.integrations import tags
from ledger.integrations.feed import Feed
from ledger.spool import lines
from ledger.spool.journal import Journal
from ledger.store.schema import messages
from tests.outages import away

ONE, *_ = SEND_PATHS
# Where locks are taken on the way of a key.
WATCHED = ("/ledger/spool/", "/ledger/services/recording/", "/ledger/patience.py")
STUCK_SECONDS = 20

Step = Callable[[str], None]


class StuckError(BaseException):
    """Nothing of ours catches it."""


@pytest.fixture(autouse=True)
def _stuck_is_an_error() -> Iterator[None]:
    def stuck(*_: object) -> None:
        raise StuckError("it waits for itself")

    former = signal.signal(signal.SIGALRM, stuck)
    signal.alarm(STUCK_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, former)


def interrupted_at(number: int, action: Callable[[], None], handler: Callable[[], None]) -> bool:
    """Do something with a handler before its n-th line; say whether it has so many."""
    seen = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal seen
        if not any(part in frame.f_code.co_filename for part in WATCHED):
            return None
        if event == "line":
            seen += 1
            if seen == number:
                handler()
        return trace

    former = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(former)
    return seen >= number


def interrupted_everywhere(step: Step, handler: Step) -> int:
    """Do a step as often as it has lines, each time with a handler before another of them; return how often."""
    number = 0
    while interrupted_at(number + 1, partial(step, f"step-{number}"), partial(handler, f"handler-{number}")):
        number += 1
    return number


def send(recorder: Any, key: str) -> Any:
    sending = recorder.sending("POST", f"https://api.dingtalk.com{ONE}", '{"robotCode": "r", "userIds": ["a"]}')
    return sending.answered(200, json.dumps({"processQueryKey": key}).encode())


def keys_of(book: Ledger) -> list[str]:
    with book.parts.database.read() as connection:
        return sorted(connection.scalars(select(messages.c.process_query_key)))


def expected(times: int) -> list[str]:
    return sorted([f"{who}-{number}" for who in ("step", "handler") for number in range(times)] + [f"step-{times}"])


def test_a_handler_that_records_in_the_middle_of_recording_gets_its_key_on_disk_as_well(book: Ledger) -> None:
    def record(key: str) -> None:
        book.record(process_query_key=key, robot_code="r", user_ids=["ann"])

    record("first")
    times = interrupted_everywhere(record, record)
    assert times > 10
    assert keys_of(book) == sorted([*expected(times), "first"])


@pytest.mark.parametrize("is_away", [False, True])
def test_a_handler_that_sends_in_the_middle_of_a_send_loses_neither(book: Ledger, is_away: bool) -> None:
    recorder = book.parts.recorder.send_recorder
    with away(book) if is_away else nullcontext():
        times = interrupted_everywhere(lambda key: send(recorder, key), lambda key: send(recorder, key))
        book.parts.recorder.writer.flush()
    book.parts.recorder.replay()
    assert times > 50
    assert keys_of(book) == expected(times)
    assert [line.keyless for line in book.campaigns()] == [0]


def test_a_handler_that_sends_in_the_middle_of_a_send_under_run_loses_neither(book: Ledger) -> None:
    feed = Feed([book.settings.spool_folder], None, None)
    times = interrupted_everywhere(lambda key: send(feed, key), lambda key: send(feed, key))
    feed._journal.close()
    book.parts.recorder.replay()
    assert keys_of(book) == expected(times)
    assert [line.keyless for line in book.campaigns()] == [0]


def test_a_handler_that_looks_in_the_middle_of_a_replay_does_not_wait_for_it(book: Ledger) -> None:
    def look(key: str) -> None:
        journal = Journal(book.settings.spool_folder)
        fields = {"processQueryKey": key, "robotCode": "r", "sentAt": format_time(book.parts.clock.now())}
        journal.sync(journal.add(lines.row(fields)))
        journal.close()
        book.parts.recorder.catch_up()

    times = interrupted_everywhere(look, lambda _: book.parts.recorder.catch_up())
    assert times > 100
    assert keys_of(book) == sorted(f"step-{number}" for number in range(times + 1))


def test_a_handler_that_tags_while_the_first_tag_is_made_does_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []

    def handler() -> None:
        with tags.tagged(tags.Tags(campaign="of the handler")):
            found.append(tags.current().campaign)

    # As before the first block, with a handler in the middle of it.
    monkeypatch.setattr(tags, "_is_carrying", False)
    monkeypatch.setattr(tags, "_carry_into_processes", handler)
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.start)
    monkeypatch.setattr(ThreadPoolExecutor, "submit", ThreadPoolExecutor.submit)
    with tags.tagged(tags.Tags(campaign="of the block")):
        found.append(tags.current().campaign)
    assert found == ["of the handler", "of the block"]
