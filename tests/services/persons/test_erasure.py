"""Erasing a person: the id is gone from tables, files and what is written later; outcomes and the proof stay."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, select, text, update
from sqlalchemy.exc import DBAPIError

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.persons.person import is_pseudonym
from ledger.errors import DatabaseError, InputError, WrongStateError
from ledger.services.persons.eraser import Erasure
from ledger.simulator import World
from ledger.spool.journal import FEED
from ledger.spool.refused import RefusedRows
from ledger.spool.segments import append, create, discard
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.schema import answers, person_commitments, person_secrets, recall_items, recalls
from ledger.store.schema import history as entries
from tests.conftest import MakeLedger
from tests.known_person import ANN, BOB, name_everywhere
from tests.sending import row, send


@pytest.fixture
def known(book: Ledger, world: World) -> Ledger:
    """A ledger that names ann in every place where it names anybody."""
    name_everywhere(book, world)
    return book


def erased(book: Ledger) -> Erasure:
    return book.parts.person_eraser.erase(ANN, reason="asked to be forgotten", actor="li")


def test_an_erasure_takes_the_id_out_of_every_table_and_leaves_all_else_as_it_was(
    known: Ledger, database: Database
) -> None:
    before = list(known.history())
    counts = known.campaigns()
    looked = known.parts.person_eraser.look(ANN)
    done = erased(known)
    assert looked.places == {**done.places, "answers": 0}
    assert {place for place, count in done.places.items() if count} == {
        *("messages", "keyless", "items", "skips", "events", "corrections", "selections", "refused")
    }
    assert done.person is not None
    assert is_pseudonym(done.person)
    assert found_in_tables(database, ANN) == []
    after = list(known.history())
    assert [one.outcome for one in after] == [one.outcome for one in before]
    assert {one.recipients for one in after} == {(done.person, BOB)}
    assert known.campaigns() == counts
    assert list(known.history(users=[ANN])) == []
    assert len(list(known.history(users=[done.person]))) == len(before) == len(list(known.history(users=[BOB])))


def test_after_an_erasure_everything_verifies_and_the_entry_tells_of_it_without_the_id(
    known: Ledger, database: Database
) -> None:
    done = erased(known)
    found = known.verify()
    assert (found.ok, found.findings) == (True, ())
    with database.read() as connection:
        told = [one.entry for one in history.read_all(connection) if one.entry.event == "person_erased"]
    assert [(one.actor, one.detail["person"], one.detail["reason"]) for one in told] == [
        ("li", done.person, "asked to be forgotten")
    ]
    assert told[0].detail["places"] == done.places
    assert ANN not in str(told)


def test_the_bytes_of_the_id_are_gone_from_all_files(known: Ledger, database: Database, tmp_path: Path) -> None:
    purged = known.parts.clock
    assert isinstance(purged, FakeClock)
    secret = secret_of(database)
    assert any(holds(path, ANN.encode()) for path in files_of(database, tmp_path))
    # What deleted rows had left before goes as well.
    purged.advance(timedelta(hours=1))
    known.purge()
    assert erased(known).left is None
    known.verify()
    known.campaigns()
    if not database.is_sqlite:
        rewrite_whole(database)
    assert [path for path in files_of(database, tmp_path) if holds(path, ANN.encode()) or holds(path, secret)] == []


def secret_of(database: Database) -> bytes:
    with database.read() as connection:
        return bytes(connection.execute(select(person_secrets.c.secret)).scalar_one())


def holds(path: Path, word: bytes) -> bool:
    try:
        return word in path.read_bytes()
    except OSError:
        return False


def files_of(database: Database, tmp_path: Path) -> Iterator[Path]:
    """Yield the files of a database and of the spool; of PostgreSQL, its log of transactions is left out."""
    yield from (path for path in tmp_path.rglob("*") if path.is_file())
    if not database.is_sqlite:
        with database.read() as connection:
            folder = Path(str(connection.scalar(text("SHOW data_directory"))))
            number = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
        yield from (path for path in (folder / "base" / str(number)).iterdir() if path.is_file())


def rewrite_whole(database: Database) -> None:
    """Do what the pages say to have dead rows overwritten at once."""
    plain = make_url(str(database.url.render_as_string(hide_password=False))).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("VACUUM (FULL)")
        connection.execute("CHECKPOINT")


def found_in_tables(database: Database, word: str) -> list[str]:
    """Return the tables in which a word stands, in any column."""
    found = []
    with database.read() as connection:
        if database.is_sqlite:
            names = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        else:
            names = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        for name in names:
            rows = connection.execute(text(f'SELECT * FROM "{name}"')).all()  # noqa: S608
            if any(word in str(one) for one in rows):
                found.append(name)
    return found


def test_each_is_erased_by_itself_and_the_others_stay_provable(known: Ledger, database: Database) -> None:
    first = erased(known)
    second = known.parts.person_eraser.erase(BOB, reason="asked too", actor="li")
    assert known.verify().findings == ()
    assert {one.recipients for one in known.history()} == {(first.person, second.person)}
    with database.read() as connection:
        kept = set(connection.scalars(select(person_commitments.c.user_id)))
    assert kept == {first.person, second.person}


def test_whoever_is_written_to_again_is_somebody_new(known: Ledger, world: World) -> None:
    done = erased(known)
    send(known, world, 2, campaign="autumn", users=[ANN, "zoe"])
    known.run(known.plan(users=[ANN], include_shared=True, reason="again", actor="wang"))
    assert {one.recipients for one in known.history(users=[ANN])} == {(ANN, "zoe")}
    assert known.verify().findings == ()
    again = erased(known)
    assert (again.places["items"], again.places["messages"]) == (2, 2)
    assert again.person != done.person
    assert known.verify().findings == ()


def test_a_message_within_its_24_hours_is_still_recalled_by_campaign_and_names_the_pseudonym(
    known: Ledger, world: World
) -> None:
    send(known, world, 2, campaign="autumn", users=[ANN])
    done = erased(known)
    assert known.plan(users=[ANN], reason="by the id").eligible == 0
    result = known.run(known.plan(campaign="autumn", reason="wrong date"))
    assert (result.status, result.recalled) == ("finished", 2)
    assert {one.recipients for one in known.history(campaign="autumn")} == {(done.person,)}
    assert known.verify().findings == ()


def test_a_plan_that_asked_for_the_person_runs_after_the_erasure(known: Ledger, world: World) -> None:
    send(known, world, 1, campaign="autumn", users=[ANN])
    plan = known.plan(users=[ANN], reason="left", actor="wang")
    assert plan.eligible == 1
    erased(known)
    assert known.run(plan).recalled == 1
    assert known.verify().findings == ()


def test_an_old_line_that_comes_again_does_not_bring_the_id_back(known: Ledger, database: Database) -> None:
    mine = row("once-more", known.parts.clock.now(), users=[ANN, BOB])
    known.record_many([mine])
    erased(known)
    assert known.record_many([mine]).duplicates == 1
    assert found_in_tables(database, ANN) == []


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"status": "running"}, "recall 1 is running: wait until it has finished, or `ledger cancel 1`"),
        ({"status": "paused"}, "recall 1 is paused: `ledger resume 1`, or `ledger cancel 1`"),
        ({"unfrozen_items": 1}, "recall 1 is freezing"),
        ({"sticky": True}, "recall 1 is sticky: it was asked for this person"),
    ],
)
def test_nothing_is_erased_while_a_recall_is_at_the_persons_messages(
    known: Ledger, database: Database, state: dict[str, object], says: str
) -> None:
    values = {"sticky_until": known.parts.clock.now() + timedelta(hours=1)} if "sticky" in state else state
    with database.write() as connection:
        connection.execute(update(recalls).where(recalls.c.id == 1).values(values))
    before = len(found_in_tables(database, ANN))
    with pytest.raises(WrongStateError, match="nothing was erased") as refused:
        erased(known)
    assert says in str(refused.value)
    assert len(found_in_tables(database, ANN)) == before
    with database.write() as connection:
        done = {"status": "finished", "unfrozen_items": 0, "sticky_until": None}
        connection.execute(update(recalls).where(recalls.c.id == 1).values(done))
    assert erased(known).person is not None


def test_nobody_of_that_id_is_no_entry(known: Ledger, database: Database) -> None:
    nobody = known.parts.person_eraser.erase("nobody", reason="asked", actor="li")
    assert (nobody.person, sum(nobody.places.values())) == (None, 0)
    erased(known)
    assert erased(known).person is None
    with database.read() as connection:
        events = list(connection.scalars(select(entries.c.event)))
    assert events.count("person_erased") == 1


@pytest.mark.parametrize(
    ("user", "reason"), [(ANN, " "), (ANN, f"{ANN} left"), ("", "left"), ("erased-0123456789ab", "left")]
)
def test_what_cannot_be_meant_is_refused(known: Ledger, user: str, reason: str) -> None:
    with pytest.raises(InputError):
        known.parts.person_eraser.erase(user, reason=reason, actor="li")


def test_a_kept_answer_that_names_the_person_stays_an_answer(known: Ledger, database: Database) -> None:
    later = known.parts.clock.now() + timedelta(hours=1)
    body = json.dumps(
        {"rejected": [{"line": 1, "reason": f"{ANN} is no conversation"}], "user": ANN, "other": f"x{ANN}"}
    )
    values = {"scope": "token 1", "key": "k", "request_digest": "d", "claim": "c", "status": 200, "expires_at": later}
    with database.write() as connection:
        connection.execute(answers.insert().values(**values, body=body))
    done = erased(known)
    with database.read() as connection:
        kept = json.loads(connection.scalar(select(answers.c.body)) or "")
    assert done.places["answers"] == 1
    assert kept == {
        "rejected": [{"line": 1, "reason": f"{done.person} is no conversation"}],
        "user": done.person,
        "other": f"x{ANN}",
    }


@pytest.mark.parametrize("user", ["8", "53", "recalls"])
def test_an_id_that_looks_like_a_figure_or_a_field_changes_no_answer_and_no_refused_row(
    known: Ledger, database: Database, user: str
) -> None:
    body = {"eligible": 8, "recalls": [8, 53], "first_deadline": "2026-03-01T08:53:08Z", "by_campaign": {"c": 53}}
    values = {"scope": "token 1", "key": "k", "request_digest": "d", "claim": "c", "status": 200}
    later = known.parts.clock.now() + timedelta(hours=1)
    with database.write() as connection:
        connection.execute(answers.insert().values(**values, expires_at=later, body=json.dumps(body)))
    row_of_theirs = {"robotCode": "r", "line": 8, "sentAt": "2026-03-01T08:53:08Z", "request": {"body": '{"n":8}'}}
    refused = RefusedRows(known.settings.spool_folder)
    refused.add(row_of_theirs, "no message", "0")
    known.parts.person_eraser.look(user)  # what another version refused is offered again, once
    before = list(refused.lines())
    assert known.parts.person_export.run_once(user, actor="li").answers == 0
    assert known.parts.person_eraser.erase(user, reason="asked", actor="li").person is None
    with database.read() as connection:
        assert json.loads(connection.scalar(select(answers.c.body)) or "") == body
    assert list(refused.lines()) == before


def test_texts_and_journals_that_name_the_person_are_told_and_left(known: Ledger) -> None:
    mentions = known.plan(campaign="spring", reason=f"发错了，发给{ANN}。").recall_id
    known.plan(campaign="spring", reason=f"to x{ANN}, to {ANN}x and to {ANN}.com, who are others")
    folder = known.settings.spool_folder
    journal = create(folder, FEED)
    append(journal, json.dumps({"sending": {"asked": {"userIds": [ANN]}}}).encode())
    done = erased(known)
    with known.parts.database.read() as connection:
        entry = connection.scalar(select(entries.c.id).where(entries.c.recall_id == mentions))
    assert {one.place: one.numbers for one in done.mentioned} == {
        "recalls.reason": (mentions,),
        "history.detail": (entry,),
    }
    assert done.journals == (str(journal.path),)
    discard(journal)


def test_an_erased_row_that_is_exchanged_is_named(known: Ledger, database: Database) -> None:
    erased(known)
    with database.write() as connection:
        connection.execute(
            update(recall_items).where(recall_items.c.id == 1).values(recipients=["erased-0123456789ab", BOB])
        )
    assert ("item", "recipients") in {(one.what, one.field) for one in known.verify().findings}


def test_kept_commitments_that_are_exchanged_or_gone_are_named(known: Ledger, database: Database) -> None:
    done = erased(known)
    columns = person_commitments.c
    for changing in (
        update(person_commitments).where(columns.user_id == BOB).values(commitment="0" * 32),
        update(person_commitments).where(columns.user_id == done.person).values(commitment="0" * 32),
        person_commitments.delete().where(columns.user_id == BOB),
    ):
        with database.write() as connection:
            kept = [dict(one._mapping) for one in connection.execute(select(person_commitments))]
            connection.execute(changing)
        assert ("person", "commitment") in {(one.what, one.field) for one in known.verify().findings}
        with database.write() as connection:
            connection.execute(person_commitments.delete())
            connection.execute(person_commitments.insert(), kept)
    assert known.verify().ok


def test_an_erasure_that_fails_changes_no_table_and_is_done_when_it_is_asked_for_again(
    known: Ledger, database: Database
) -> None:
    before = found_in_tables(database, ANN)
    is_sqlite = database.is_sqlite
    with database.write() as connection:
        for statement in FAILING if is_sqlite else FAILING_ON_POSTGRESQL:
            connection.exec_driver_sql(statement)
    with pytest.raises((DatabaseError, DBAPIError)):
        erased(known)
    assert found_in_tables(database, ANN) == before
    assert known.verify().ok
    with database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER fails" + ("" if is_sqlite else " ON history"))
    assert erased(known).person is not None
    assert found_in_tables(database, ANN) == []
    assert known.verify().ok


FAILING = ("CREATE TRIGGER fails BEFORE INSERT ON history BEGIN SELECT RAISE(FAIL, 'no disk is left'); END",)
FAILING_ON_POSTGRESQL = (
    "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no disk is left''; END'",
    "CREATE TRIGGER fails BEFORE INSERT ON history FOR EACH ROW EXECUTE FUNCTION fail()",
)


def test_people_are_erased_while_others_messages_are_copied(make_ledger: MakeLedger, world: World) -> None:
    book, other = make_ledger(), make_ledger()
    for number in range(3):
        send(book, world, 20, campaign=f"campaign-{number}", users=[BOB, f"person-{number}"])
        send(book, world, 1, campaign="theirs", users=[f"somebody-{number}", BOB])
    book.run(book.plan(campaign="theirs", reason="first"))
    starts = threading.Barrier(2)

    def copy() -> None:
        starts.wait()
        for number in range(3):
            recall_id = book.plan(campaign=f"campaign-{number}", reason="wrong link").recall_id
            book.parts.lifecycle.start(recall_id)
            book.parts.freezer.finish(recall_id)

    copying = threading.Thread(target=copy)
    copying.start()
    starts.wait()
    done = [
        other.parts.person_eraser.erase(f"somebody-{number}", reason="asked", actor="li").person for number in range(3)
    ]
    copying.join()
    assert None not in done
    assert other.verify().findings == ()
