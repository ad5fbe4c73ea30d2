"""No key that was promised is ever lost: programs killed, databases killed and started again, disks full."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from ledger import Ledger, Settings
from ledger.store.schema import messages
from tests.forked_command import ForkedCommand
from tests.processes.conftest import Outage

PROGRAMS = 3
KEYS_EACH = 400


def start(url: str, folder: Path, name: str, count: int = KEYS_EACH, most_bytes: int | None = None) -> ForkedCommand:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LEDGER_")}
    ours = {"LEDGER_DATABASE_URL": url, "LEDGER_SPOOL_DIR": str(folder / "spool")}
    words = [name, str(count), str(folder / "promised")]
    with (folder / "said").open("ab") as message, Path(os.devnull).open("r+b") as nothing:
        return ForkedCommand(
            words,
            program="tests.processes.recording",
            env={**clean, **ours},
            stdin=nothing,
            stdout=nothing,
            stderr=message,
            most_bytes=most_bytes,
        )


def promised(folder: Path) -> list[str]:
    path = folder / "promised"
    return path.read_text().splitlines() if path.exists() else []


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until, "this never came about"
        time.sleep(0.01)


def kept(url: str, folder: Path) -> list[str]:
    """Return the keys in the ledger once everything that waited is in."""
    book = Ledger(Settings.load(database_url=url, spool_dir=folder / "spool"))
    try:
        book.parts.recorder.replay()
        assert book.parts.recorder.depth().files == 0
        assert book.parts.recorder.depth().refused_bytes == 0
        with book.parts.database.read() as connection:
            return list(connection.scalars(select(messages.c.process_query_key)))
    finally:
        book.close()


def test_programs_and_databases_that_die_under_load_lose_no_promised_key(outage: Outage, tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311  (a test that can be repeated)
    running = [start(outage.url, tmp_path, f"a{number}") for number in range(PROGRAMS)]
    for round_ in range(3):
        so_far = len(promised(tmp_path))
        wait_for(lambda: len(promised(tmp_path)) > so_far + chance.randrange(50))  # noqa: B023
        with outage.away():
            at = len(promised(tmp_path))
            victim = running[chance.randrange(len(running))]
            wait_for(
                lambda: len(promised(tmp_path)) > at + 10 or all(one.poll() is not None for one in running)  # noqa: B023
            )
            victim.kill()
            victim.wait()
        running.append(start(outage.url, tmp_path, f"b{round_}"))
    for program in running:
        program.wait(timeout=120)
    detail = promised(tmp_path)
    found = kept(outage.url, tmp_path)
    assert len(detail) > KEYS_EACH
    assert set(detail) - set(found) == set()
    assert len(found) == len(set(found))
    assert {program.returncode for program in running} <= {0, -9}, (tmp_path / "said").read_text()


def test_a_full_disk_loses_no_promised_key(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    program = start(f"sqlite:///{path}", tmp_path, "a", 2000, most_bytes=path.stat().st_size + 200_000)
    assert program.wait(timeout=120) == 0, (tmp_path / "said").read_text()
    detail = promised(tmp_path)
    assert len(detail) == 2000
    assert any((tmp_path / "spool").rglob("*.journal")), "the disk was not full after all"
    assert set(kept(f"sqlite:///{path}", tmp_path)) == set(detail)
