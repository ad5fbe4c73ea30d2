"""What is handed in while a ledger closes is recorded like all else: nobody waits, and nothing is lost."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ledger.clock import FakeClock
from ledger.core.recording.message import Message
from ledger.patience import OutageLog
from ledger.services.recording.group_writer import GroupWriter, PendingWrite
from ledger.services.recording.rows import Defaults, message_of
from ledger.services.recording.waiting_log import WaitingLog
from ledger.services.recording.write_apart import Content, Written
from ledger.services.recording.write_outcome import WriteOutcome
from ledger.spool.journal import Journal
from tests.conftest import NOON

# Whoever waits for so long gets its answer late, and then it is that the journal has it.
LONG_SECONDS = 10.0


def message(key: str) -> Message:
    return message_of({"processQueryKey": key, "robotCode": "r", "sentAt": "2026-03-01T11:00:00Z"}, Defaults())


def record(contents: Sequence[Content]) -> list[Written]:
    return [Written(is_new=True)] * len(contents)


Make = Callable[..., GroupWriter]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A maker of writers."""
    made: list[GroupWriter] = []
    clock = FakeClock(NOON)
    log = WaitingLog(OutageLog(clock), clock, lambda: None)

    def writer(kind: type[GroupWriter] = GroupWriter) -> GroupWriter:
        made.append(kind(record, Journal(tmp_path), lambda *_: None, log))
        return made[-1]

    yield writer
    for one in made:
        one.close()


class LateWriter(GroupWriter):
    """Gets something at the worst moment: its thread has gone, and whoever closes it is not through."""

    late: PendingWrite | None = None

    def _end(self, thread: threading.Thread) -> None:
        super()._end(thread)
        if self.late is None:
            self.late = self.submit(message("late"))


def test_what_comes_after_the_last_look_of_a_writer_that_closes_is_recorded_at_once(make: Make) -> None:
    writer = make(LateWriter)
    writer.wait(writer.submit(message("first")))
    writer.close()
    assert isinstance(writer, LateWriter)
    assert writer.late is not None
    assert writer.wait(writer.late, LONG_SECONDS) is WriteOutcome.RECORDED


def test_threads_that_hand_things_in_while_others_close_wait_for_nothing_and_lose_nothing(make: Make) -> None:
    writer, is_over = make(), threading.Event()
    outcomes: list[WriteOutcome] = []

    def hand_in(name: str) -> None:
        outcomes.extend(writer.wait(writer.submit(message(f"{name}-{number}")), LONG_SECONDS) for number in range(200))

    def close() -> None:
        while not is_over.is_set():
            writer.close()

    senders = [threading.Thread(target=hand_in, args=(name,)) for name in "abc"]
    closers = [threading.Thread(target=close) for _ in range(2)]
    for thread in senders + closers:
        thread.start()
    for thread in senders:
        thread.join()
    is_over.set()
    for thread in closers:
        thread.join()
    assert outcomes == [WriteOutcome.RECORDED] * 600
