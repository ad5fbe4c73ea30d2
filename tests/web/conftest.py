"""A ledger full of everything that a page can show, and the service on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from selenium.webdriver import Chrome

from ledger.clock import FakeClock
from ledger.core.recalls.recall import Status
from ledger.simulator import FailedReason, World
from tests.api.conftest import Service, serve_ledger, service  # noqa: F401
from tests.sending import send

from .chromium import started

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="session")
def _chrome() -> Iterator[Chrome]:
    with started() as running:
        yield running


@pytest.fixture
def chrome(_chrome: Chrome) -> Iterator[Chrome]:
    """Give the one browser of this process; a page that it stayed on would count down and ask for news to the end."""
    yield _chrome
    _chrome.get("about:blank")


@dataclass(frozen=True)
class Furniture:
    """What the ledger of a test holds: the numbers of recalls in every state, and their reasons."""

    planned: int
    large: int
    running: int
    paused: int
    finished: int
    cancelled: int


@pytest.fixture
def furniture(service: Service, world: World, clock: FakeClock) -> Furniture:  # noqa: F811
    """Messages and recalls of every kind, some with names that nobody should have given."""
    book = service.book
    keys = send(book, world, 30, campaign="spring")
    send(book, world, 3, campaign=EVIL, users=[f"{EVIL}-1", "zhang.san", *(f"u{number}" for number in range(10))])
    send(book, world, 2, campaign="春季通知", conversation="cid/+==")
    send(book, world, 2, campaign=None, users=["zhang.san"])
    send(book, world, 1, campaign="yesterday", sent_ago=timedelta(hours=23, minutes=59))
    refused = {key: FailedReason(reason=f'{EVIL} "no" said DingTalk') for key in keys[:2]}
    world.change(failed_reasons=refused)
    finished = book.run(book.plan(campaign="spring", reason=EVIL, actor="wang", until=clock.now())).recall_id
    send(book, world, 4, campaign="late")
    send(book, world, 25, campaign="large")
    large = book.plan(campaign="large", reason="a large one", actor="wang").recall_id
    running = book.plan(campaign=EVIL, reason="<b>bold</b>", actor="<i>who</i>").recall_id
    book.parts.lifecycle.start(running)
    paused = book.plan(campaign="late", reason="paused", actor="li").recall_id
    book.parts.lifecycle.start(paused)
    book.parts.lifecycle.pause(paused, why="looking into it", actor="li")
    planned = book.plan(users=["zhang.san"], reason="one person", actor="wang").recall_id
    cancelled = book.plan(campaign="春季通知", reason="a mistake", actor="li").recall_id
    book.cancel(cancelled, actor="li")
    book.parts.sticky.stick(finished, 3600, actor="wang")
    assert book.recalls(statuses=[Status.RUNNING])[0].recall_id == running
    return Furniture(planned, large, running, paused, finished, cancelled)
