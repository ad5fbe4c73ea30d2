"""Campaigns: what is sent inside a block carries its tag, whichever task or thread sends it."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger import Ledger
from ledger.integrations import tags
from tests.integrations.test_recording import on_one_database

pytestmark = on_one_database


def seen() -> str | None:
    """Return the campaign under which a send would be recorded here."""
    return tags.current().campaign


def in_a_thread() -> str | None:
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(seen()))
    thread.start()
    thread.join()
    return found[0]


def in_a_thread_with_a_run_of_its_own() -> str | None:
    class Own(threading.Thread):
        found: str | None = None

        def run(self) -> None:
            self.found = seen()

    thread = Own()
    thread.start()
    thread.join()
    return thread.found


def in_a_timer() -> str | None:
    found: list[str | None] = []
    timer = threading.Timer(0, lambda: found.append(seen()))
    timer.start()
    timer.join()
    return found[0]


def in_a_pool() -> str | None:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(seen).result()


def in_a_map() -> str | None:
    with ThreadPoolExecutor(1) as pool:
        return next(iter(pool.map(lambda _: seen(), [0])))


def in_a_task() -> str | None:
    async def task() -> str | None:
        return await asyncio.create_task(asyncio.sleep(0, result=None)) or seen()

    return asyncio.run(task())


def in_an_executor_of_a_loop() -> str | None:
    async def task() -> str | None:
        return await asyncio.get_running_loop().run_in_executor(None, seen)

    return asyncio.run(task())


def in_to_thread() -> str | None:
    return asyncio.run(asyncio.to_thread(seen))


@pytest.mark.parametrize(
    "place",
    [
        seen,
        in_a_thread,
        in_a_thread_with_a_run_of_its_own,
        in_a_timer,
        in_a_pool,
        in_a_map,
        in_a_task,
        in_an_executor_of_a_loop,
        in_to_thread,
    ],
)
def test_a_block_reaches_everything_that_begins_in_it(book: Ledger, place: Callable[[], str | None]) -> None:
    with book.campaign("spring"):
        assert place() == "spring"
    assert place() is None


def test_a_thread_keeps_the_tag_of_the_block_that_it_began_in(book: Ledger) -> None:
    ended, found = threading.Event(), []

    def work() -> None:
        ended.wait(5)
        found.append(seen())

    with book.campaign("spring"):
        thread = threading.Thread(target=work)
        thread.start()
    ended.set()
    thread.join()
    assert found == ["spring"]


def test_a_job_has_the_tag_of_where_it_was_submitted_not_of_where_its_thread_was_born(book: Ledger) -> None:
    with ThreadPoolExecutor(1) as pool:
        with book.campaign("spring"):
            assert pool.submit(seen).result() == "spring"
        assert pool.submit(seen).result() is None
        with book.campaign("autumn"):
            assert pool.submit(seen).result() == "autumn"


def test_only_our_own_variable_travels(book: Ledger) -> None:
    from contextvars import ContextVar

    theirs: ContextVar[str] = ContextVar("theirs", default="default")
    theirs.set("set")
    with book.campaign("spring"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(theirs.get).result() == "default"


def test_a_block_in_a_block_keeps_what_it_leaves_open(book: Ledger) -> None:
    with book.campaign("outer", source="mailer"):
        with book.campaign("inner"):
            assert tags.current() == tags.Tags(campaign="inner", source="mailer")
        assert seen() == "outer"


def test_a_failure_in_a_block_ends_it(book: Ledger) -> None:
    with pytest.raises(RuntimeError), book.campaign("spring"):
        raise RuntimeError
    assert seen() is None


def test_what_a_job_raises_or_returns_is_its_own(book: Ledger) -> None:
    with book.campaign("spring"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(divmod, 7, 2).result() == (3, 1)
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 7, 0).result()
