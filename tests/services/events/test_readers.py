"""Readers whom events have named count for whoever asks who has read it: at least so many."""

from datetime import timedelta

from ledger import Ledger
from ledger.core.events.message_events import EventKind
from ledger.core.recalls.selection import select
from ledger.entrypoints.cli.screen.reads import report_in_words
from ledger.services.reports.people import Whose
from ledger.simulator import World
from tests.sending import row, send
from tests.services.events.telling import tell


def test_readers_are_counted_once_a_message_beside_what_is_asked(book: Ledger, world: World) -> None:
    sent_at = book.parts.clock.now() - timedelta(hours=1)
    keys = world.make_messages(2, robot_code="robot-1", sent_at=sent_at, users=("ann", "bob"))
    book.record_many([row(key, sent_at, users=["ann", "bob"]) for key in keys])
    send(book, world, 1, campaign="another")
    tell(book, EventKind.READ, keys, ["ann", "ann", "bob"])
    tell(book, EventKind.READ, ["of nobody"], ["ann", None])
    whose = Whose(selection=select(campaign="spring"))
    asker = book.parts.read_asker
    report = asker.ask(whose, sample=1, actor="wang")
    assert (report.told, report.read, report.calls) == (4, 0, 1)
    assert "  events told of 4 readers: at least so many had read it" in list(report_in_words(report))
    known = asker.known(whose)
    assert known is not None
    assert known.told == 4
    assert asker.ask(Whose(selection=select(campaign="another")), sample=1, actor="wang").told == 0
