"""What many ask at once is asked once, and nobody hears an answer from before they asked."""

import threading
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ledger import Ledger
from ledger.core.access.roles import Role
from ledger.errors import DatabaseUnavailableError, UnauthenticatedError
from ledger.services.access.shared_question import SharedQuestion
from tests.conftest import MakeLedger

ASKING, PATIENCE = 8, 60


class Slow:
    """A question that takes until it is let go on, and counts how often it is asked."""

    def __init__(self) -> None:
        self.state, self.asked = "before", 0
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, wanted: Collection[str]) -> dict[str, str]:
        self.asked += 1
        said = self.state
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        if said == "away":
            raise DatabaseUnavailableError(said)
        return {one: f"{one} {said}" for one in wanted}


class Queue:
    """In the place of the lock before which those wait who ask: it says how many came."""

    def __init__(self) -> None:
        self.came, self._lock = threading.Semaphore(0), threading.Lock()

    def __enter__(self) -> None:
        self.came.release()
        assert self._lock.acquire(timeout=PATIENCE)

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def asked_by_many(slow: Slow, pool: ThreadPoolExecutor, state: str) -> tuple[Future[str], list[Future[str]]]:
    """Let one ask, and while that is under way and things change, some others."""
    question, queue = SharedQuestion(slow), Queue()
    question._asking = queue  # type: ignore[assignment]
    first = pool.submit(question.answer, "first")
    assert slow.begun.wait(PATIENCE)
    slow.state = state
    others = [pool.submit(question.answer, f"other {number % 3}") for number in range(ASKING)]
    for _ in range(ASKING + 1):
        assert queue.came.acquire(timeout=PATIENCE)
    slow.go_on.set()
    return first, others


def test_who_asks_while_it_is_being_asked_hears_the_next_answer_which_is_one_for_all_who_wait() -> None:
    slow = Slow()
    with ThreadPoolExecutor(ASKING + 1) as pool:
        first, others = asked_by_many(slow, pool, "after")
        assert first.result(PATIENCE) == "first before"
        answers = [one.result(PATIENCE) for one in others]
        assert answers == [f"other {number % 3} after" for number in range(ASKING)]
    assert slow.asked == 2


def test_what_goes_wrong_with_it_all_hear_who_wait_and_it_is_not_tried_for_each() -> None:
    slow = Slow()
    with ThreadPoolExecutor(ASKING + 1) as pool:
        first, others = asked_by_many(slow, pool, "away")
        assert first.result(PATIENCE) == "first before"
        assert {type(one.exception(PATIENCE)) for one in others} == {DatabaseUnavailableError}
    assert slow.asked == 2


def test_whoever_asks_later_is_told_anew() -> None:
    slow = Slow()
    slow.go_on.set()
    question = SharedQuestion(slow)
    assert question.answer("it") == "it before"
    slow.state = "away"
    with pytest.raises(DatabaseUnavailableError):
        question.answer("it")
    slow.state = "after"
    assert question.answer("it") == "it after"


def test_a_token_that_another_process_makes_shuts_the_door_at_once(book: Ledger, make_ledger: MakeLedger) -> None:
    assert not book.parts.service_tokens.any_exists()
    other = make_ledger()
    other.parts.service_tokens.create("ann", Role.AUDITOR, actor="tester")
    assert book.parts.service_tokens.any_exists()


def test_tokens_are_looked_up_together_and_each_says_whose_it_is(book: Ledger) -> None:
    tokens = book.parts.service_tokens
    made = {name: tokens.create(name, Role.RECORDER, actor="tester").secret for name in ("ann", "bob", "cy")}
    with ThreadPoolExecutor(ASKING) as pool:
        found = list(pool.map(lambda name: (name, tokens.identify(made[name]).name), list(made) * ASKING))
    assert all(asked == told for asked, told in found)
    tokens.revoke("bob", actor="tester")
    with pytest.raises(UnauthenticatedError):
        tokens.identify(made["bob"])
    assert tokens.identify(made["cy"]).name == "cy"
