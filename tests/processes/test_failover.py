"""A failover under load: the primary dies, a standby can only be read, and is promoted; no key is lost meanwhile."""

import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from ledger import Ledger, Settings
from ledger.spool.refused import REFUSED
from ledger.store import migrate
from ledger.store.schema import messages
from tests.processes.conftest import wait_until
from tests.standby import pair

THREADS = 4


def test_keys_that_are_recorded_during_a_failover_are_all_there_afterwards(tmp_path: Path) -> None:
    recorded: Counter[str] = Counter()
    done, faults = threading.Event(), list[BaseException]()

    def work(book: Ledger, thread: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            key = f"{thread}-{number}"
            try:
                written = book.record(process_query_key=key, robot_code="r", sent_at=datetime.now(UTC))
            except BaseException as error:
                faults.append(error)
                return
            recorded[f"spooled {key}" if written.spooled else key] += 1

    with pair() as servers, Ledger(Settings.load(database_url=servers.url, spool_dir=tmp_path / "spool")) as book:
        migrate.upgrade(book.parts.database)
        threads = [threading.Thread(target=work, args=(book, thread)) for thread in range(THREADS)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(recorded) > 200)
        servers.kill_primary()
        at = len(recorded)
        wait_until(lambda: len(recorded) > at + 200)
        (check,) = [check for check in book.doctor().checks if check.name == "database"]
        assert (check.ok, "standby" in check.found) == (False, True), check.found
        assert "database" in book.parts.lacks()
        servers.promote()
        wait_until(lambda: any(not key.startswith("spooled ") for key in list(recorded)[-THREADS:]))
        done.set()
        for thread in threads:
            thread.join()
        assert faults == []
        book.parts.recorder.replay()
        with book.parts.database.read() as connection:
            found = set(connection.scalars(select(messages.c.process_query_key)))
        assert any(key.startswith("spooled ") for key in recorded)
        assert {key.removeprefix("spooled ") for key in recorded} == found
        assert book.parts.recorder.depth().bytes == 0
        assert not (book.settings.spool_folder / REFUSED).exists()
