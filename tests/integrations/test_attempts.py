"""Retries that a library hides: each attempt that may have arrived counts as a send without a key."""

from dataclasses import replace

import pytest
import requests
import urllib3
from urllib3.util import Retry

from ledger import Ledger
from ledger.simulator import Cut, ScriptedAnswer, Simulator
from tests.integrations.senders import Letter
from tests.integrations.test_clients import keyless, keys_of, on_one_database

pytestmark = on_one_database
THREE_TIMES = Retry(total=2, backoff_factor=0, allowed_methods=None, status_forcelist=[503])


def post_with_requests(book: Ledger, letter: Letter) -> int:
    """Send with a session that tries three times."""
    with requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=THREE_TIMES))
        book.watch(session)
        return session.post(letter.address, json=letter.body, headers=letter.all_headers, timeout=5).status_code


def post_with_urllib3(book: Ledger, letter: Letter) -> int:
    """Send with a pool that tries three times."""
    with urllib3.PoolManager(retries=THREE_TIMES) as pool:
        book.watch(pool)
        answer = pool.request("POST", letter.address, json=letter.body, headers=letter.all_headers, timeout=5)
        return int(answer.status)


each = pytest.mark.parametrize("post", [post_with_requests, post_with_urllib3])


@each
def test_attempts_that_may_have_arrived_before_the_one_that_was_answered_leave_traces(
    book: Ledger, simulator: Simulator, letter: Letter, post: "object"
) -> None:
    assert callable(post)
    simulator.world.script(ScriptedAnswer(cut=Cut.AFTER_WORK))
    simulator.world.script(ScriptedAnswer(status=503))
    with book.campaign("spring"):
        assert post(book, replace(letter, headers={"x-ledger-campaign": "summer"})) == 200
    assert keyless(book) == 2
    assert len(keys_of(book, "summer")) == 1


@each
def test_attempts_that_all_fail_leave_a_trace_each(
    book: Ledger, simulator: Simulator, letter: Letter, post: "object"
) -> None:
    assert callable(post)
    simulator.world.script(ScriptedAnswer(cut=Cut.AFTER_WORK, times=3))
    with pytest.raises((requests.ConnectionError, urllib3.exceptions.MaxRetryError)):
        post(book, letter)
    assert keyless(book) == 3


@each
def test_attempts_that_never_left_leave_nothing(book: Ledger, letter: Letter, post: "object") -> None:
    assert callable(post)
    with pytest.raises((requests.ConnectionError, urllib3.exceptions.MaxRetryError)):
        post(book, replace(letter, url="http://nowhere.invalid"))
    assert book.campaigns() == []
