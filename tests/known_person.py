"""A person whom a ledger names wherever it names anybody."""

from datetime import timedelta

from ledger import Ledger
from ledger.core.corrections.correction_text import read_text
from ledger.core.events.message_events import EventKind, EventPush, MessageEvent
from ledger.core.recording.message import Chat, KeylessSend, MessageKey, RobotCode, UserId
from ledger.simulator import World
from ledger.spool.refused import RefusedRows
from ledger.store.events.message_events import insert_pushes
from ledger.store.recording.keyless import insert_traces
from tests.sending import row, send

ANN = "ann.7f3a9c51"
BOB = "bob.of.here"


def name_everywhere(book: Ledger, world: World) -> None:
    """Name ann in every place where a ledger names anybody."""
    send(book, world, 3, users=[ANN, BOB])
    send(book, world, 1, users=[ANN], sent_ago=timedelta(hours=25))
    recalled = book.run(book.plan(users=[ANN], include_shared=True, reason="wrong link", actor="wang"))
    text = read_text("sampleText", '{"content": "the right link"}')
    correction = book.parts.correction_planner.plan(recalled.recall_id, text, reason="right link", actor="wang")
    assert book.parts.corrections.run(correction.correction_id, actor="wang").sent
    # A while later, a journal holds nothing any more of what is in the database.
    book.parts.recorder.close()
    book.plan(users=[BOB, ANN], reason="only looking")
    now = book.parts.clock.now()
    # Kept only where excerpts are.
    book.record_many([{**row("said", now, users=[BOB]), "excerpt": f"call {ANN}"}])
    for number, undelivered in enumerate(({"invalid": [ANN, "zoe"]}, {"filtered": ["zoe"]})):
        book.record_many([{**row(f"missed-{number}", now, users=[BOB]), "undelivered": undelivered}])
    lost = KeylessSend(
        trace="t-1",
        robot_code=RobotCode("robot-1"),
        sent_at=now,
        chat=Chat.ONE_TO_ONE,
        open_conversation_id=None,
        campaign=None,
        source=None,
        recipients=(UserId(BOB), UserId(ANN)),
        why="no answer",
    )
    read = MessageEvent(
        event_id="e-1", kind=EventKind.READ, process_query_key=MessageKey("of-somewhere"), user_id=UserId(ANN)
    )
    with book.parts.database.write() as connection:
        insert_traces(connection, [lost], now)
        insert_pushes(connection, [EventPush(app="default", at=now, source="s", number=1, event=read)])
    rows = RefusedRows(book.settings.spool_folder)
    rows.add({"processQueryKey": "", "robotCode": "r", "userIds": [ANN, BOB]}, f"no message for {ANN}", "0")
    assert book.verify().ok
