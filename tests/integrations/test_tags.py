"""Campaigns: what is sent inside a block carries its tag, whichever task or thread sends it."""

import asyncio
import multiprocessing
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.errors import InputError
from ledger.integrations import tags
from tests.conftest import MakeLedger
from tests.integrations.senders import Letter, with_aiohttp, with_httpx, with_requests, with_urllib3
from tests.integrations.test_clients import on_one_database

pytestmark = on_one_database
# Later versions of Python warn of it; what is forked here does nothing with the threads of others.
multithreaded_forks = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


SENDERS = {"httpx": with_httpx, "requests": with_requests, "aiohttp": with_aiohttp, "urllib3": with_urllib3}


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


def in_a_thread_pool() -> str | None:
    with ThreadPool(1) as pool:
        return pool.apply(seen)


def in_a_map_of_a_thread_pool() -> str | None:
    with ThreadPool(1) as pool:
        return pool.map(lambda _: seen(), [0])[0]


def in_a_lazy_map_of_a_thread_pool() -> str | None:
    with ThreadPool(1) as pool:
        return next(pool.imap_unordered(lambda _: seen(), [0]))


@pytest.mark.parametrize(
    "place",
    [
        seen,
        in_a_thread,
        in_a_thread_with_a_run_of_its_own,
        in_a_timer,
        in_a_pool,
        in_a_map,
        in_a_thread_pool,
        in_a_map_of_a_thread_pool,
        in_a_lazy_map_of_a_thread_pool,
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


def test_a_thread_pool_made_before_the_block_carries_it_and_no_further(book: Ledger) -> None:
    with ThreadPool(1) as pool:
        with book.campaign("spring"):
            assert pool.apply(seen) == "spring"
            assert pool.starmap(lambda _, __: seen(), [(0, 0)]) == ["spring"]
        assert pool.apply(seen) is None


def test_a_thread_pool_made_in_a_block_does_not_keep_it(book: Ledger) -> None:
    with book.campaign("spring"):
        pool = ThreadPool(1)
    with pool:
        assert pool.apply(seen) is None


class OwnProcess(multiprocessing.process.BaseProcess):
    """A process whose work is its `run`."""

    def __init__(self, answers: "multiprocessing.queues.SimpleQueue[str | None]") -> None:
        super().__init__()
        self.answers = answers

    def run(self) -> None:
        self.answers.put(in_a_thread())


class OwnFork(OwnProcess, multiprocessing.context.ForkProcess):
    """One that is forked."""


class OwnSpawn(OwnProcess, multiprocessing.context.SpawnProcess):
    """One that begins anew."""


def double(number: int) -> tuple[int, str | None]:
    return 2 * number, seen()


@multithreaded_forks
@pytest.mark.parametrize("kind", ["fork", "spawn"])
def test_jobs_of_process_pools_have_the_tag_of_where_they_were_handed_in(book: Ledger, kind: str) -> None:
    context = multiprocessing.get_context(kind)
    with ExitStack() as stack:
        with book.campaign("spring"):
            executor = stack.enter_context(ProcessPoolExecutor(1, mp_context=context))
            pool = stack.enter_context(context.Pool(1))
            # Before any answer: both begin at the same time.
            first, other = executor.submit(in_a_thread), pool.apply_async(in_a_thread)
            assert (first.result(), other.get()) == ("spring", "spring")
            assert list(executor.map(double, [1, 2], chunksize=2)) == [(2, "spring"), (4, "spring")]
            assert pool.map(double, [1, 2]) == list(pool.imap(double, [1, 2])) == [(2, "spring"), (4, "spring")]
        with book.campaign("summer"):
            assert executor.submit(seen).result() == pool.apply(seen) == "summer"
        assert executor.submit(seen).result() is pool.apply(seen) is None


@multithreaded_forks
@pytest.mark.parametrize("kind", [OwnFork, OwnSpawn])
def test_a_process_that_begins_in_a_block_carries_it(book: Ledger, kind: type[OwnProcess]) -> None:
    answers = multiprocessing.get_context("spawn").SimpleQueue()
    process = kind(answers)
    with book.campaign("spring"):
        process.start()
    process.join()
    assert answers.get() == "spring"
    assert "run" not in vars(process)


@multithreaded_forks
def test_a_job_that_no_other_process_can_take_fails_as_it_would_without_a_block(book: Ledger) -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as executor:
        with pytest.raises(Exception, match="pickle") as without:
            executor.submit(lambda: None).result()
        with book.campaign("spring"), pytest.raises(type(without.value), match="pickle"):
            executor.submit(lambda: None).result()


def test_background_tasks_of_starlette_carry_a_block_of_their_own(book: Ledger) -> None:
    from starlette.background import BackgroundTasks

    found: list[str | None] = []

    def send_all(campaign: str) -> None:
        with book.campaign(campaign):
            found.append(seen())

    tasks = BackgroundTasks()
    with book.campaign("of the request"):
        tasks.add_task(send_all, "spring")
    asyncio.run(tasks())
    assert found == ["spring"]


def test_a_worker_of_a_queue_opens_the_block_for_each_job(book: Ledger) -> None:
    jobs: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    found: list[str | None] = []

    def work() -> None:
        while (campaign := jobs.get()) is not None:
            with book.campaign(campaign):
                found.append(seen())

    worker = threading.Thread(target=work)
    worker.start()
    for job in ("spring", "summer", None):
        jobs.put(job)
    worker.join()
    assert found == ["spring", "summer"]


def test_settings_tag_what_has_no_tag_of_its_own(make_ledger: MakeLedger, letter: Letter) -> None:
    book = make_ledger(campaign="from-settings", source="cron")
    with_httpx(book.watch, letter)
    book.record(process_query_key="k", robot_code="robot-1")
    with book.campaign("spring"):
        with_httpx(book.watch, letter)
    assert {line.campaign: line.messages for line in book.campaigns()} == {"from-settings": 2, "spring": 1}
    assert book.plan(source="cron", reason="x").eligible == 3


@pytest.mark.parametrize("sender", SENDERS.values(), ids=SENDERS)
def test_what_is_sent_inside_a_block_vanishes_by_itself_and_one_request_may_say_otherwise(
    book: Ledger, letter: Letter, clock: FakeClock, sender: Callable[..., object]
) -> None:
    with book.campaign("codes", expires_in=7200), book.campaign("inner"):
        sender(book.watch, letter)
        assert book.campaigns()[0].expires_next == clock.now() + timedelta(hours=2)
        sender(book.watch, replace(letter, headers={"x-ledger-expires": "3600"}))
        sender(book.watch, replace(letter, headers={"x-ledger-expires": "soon"}))
    (line,) = book.campaigns()
    assert (line.campaign, line.expiring, line.expires_next) == ("inner", 3, clock.now() + timedelta(hours=1))


@pytest.mark.parametrize("nonsense", [-1, float("nan"), "soon"])
def test_a_block_whose_sends_would_never_vanish_is_refused(book: Ledger, nonsense: Any) -> None:
    with pytest.raises(InputError, match="number of seconds"):
        book.campaign("codes", expires_in=nonsense)
