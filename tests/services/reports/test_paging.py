"""Lists read part by part: everything once, in order, whichever index a part is read from."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import update

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.selection import Selection, select
from ledger.services.reports.list_page import ListPage
from ledger.simulator import FailedReason, World
from ledger.store.schema import recall_items
from tests.sending import send


def every_key(read: Callable[[str | None], ListPage[Any]]) -> list[str]:
    found, cursor, parts = list[str](), None, 0
    while parts == 0 or cursor is not None:
        page = read(cursor)
        found += [one.process_query_key for one in page.values]
        cursor, parts = page.cursor, parts + 1
    return found


def _messages(book: Ledger, selection: Selection, cursor: str | None) -> ListPage[Any]:
    return book.parts.pages.messages(selection, cursor=cursor, limit=2)


def test_messages_of_a_campaign_come_once_each_soonest_deadline_first(book: Ledger, world: World) -> None:
    late = send(book, world, 3, campaign="spring", sent_ago=timedelta(minutes=1))
    send(book, world, 2, campaign="sprinh", sent_ago=timedelta(hours=2))
    send(book, world, 2, campaign="sprin", sent_ago=timedelta(hours=2))
    # Several of one moment.
    soon = send(book, world, 4, campaign="spring", sent_ago=timedelta(hours=3))
    for selection in (select(campaign="spring"), select(campaign="spring", keys=[*late, *soon])):
        found = every_key(partial(_messages, book, selection))
        assert (set(found[:4]), set(found[4:]), len(found)) == (set(soon), set(late), 7)


def test_what_somebody_recalled_comes_once_each_newest_first_also_where_an_earlier_release_did_not_say_who(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    ended = list[str]()
    for number in range(6):
        keys = send(book, world, 1, campaign=f"c{number}")
        book.run(book.plan(campaign=f"c{number}", reason="wrong link", actor="ann" if number != 3 else "bob"))
        ended += keys if number != 3 else []
        clock.advance(timedelta(minutes=1))
    with book.parts.database.write() as connection:
        old = recall_items.c.process_query_key.in_([ended[1], ended[4]])
        connection.execute(update(recall_items).where(old).values(ended_by=None))
    read = book.parts.pages.history
    found = every_key(lambda cursor: read(Selection(), actor="ann", cursor=cursor, limit=2))
    assert found == ended[::-1]
    assert [one.process_query_key for one in book.history(actor="ann")] == ended[::-1]


def test_what_was_not_recalled_is_found_by_how_it_ended(book: Ledger, world: World) -> None:
    keys = send(book, world, 3, campaign="spring")
    world.change(failed_reasons={keys[1]: FailedReason(reason="no")})
    book.run(book.plan(campaign="spring", reason="wrong link"))
    page = book.parts.pages.history(Selection(), outcome=Outcome.REFUSED, limit=5)
    assert [one.process_query_key for one in page.values] == [keys[1]]
    assert book.parts.pages.history(Selection(), outcome=Outcome.PARTIAL, limit=5).values == []
