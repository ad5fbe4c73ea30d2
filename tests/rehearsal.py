"""What every command does at some time, done once: modules are loaded, statements compiled, routes analysed.

Whoever is forked afterwards finds that done, and spends its time on what a test is about.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.simulator import World
from ledger.testing import InlineExecutor, WorldTransport
from tests.compiled_statements import share_compiled_statements
from tests.sending import send


def rehearse() -> None:
    """Record, plan, recall and read in this process, on a ledger of its own that is deleted; no thread is left."""
    share_compiled_statements()
    clock = FakeClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    world = World(clock.now, seed=7)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(
            database_url=f"sqlite:///{folder}/ledger.sqlite",
            app_key="dingapp",
            app_secret="a-long-secret-of-the-app",
            spool_dir=Path(folder) / "spool",
        )
        transport = WorldTransport(world, clock)
        with Ledger(settings, clock=clock, executor=InlineExecutor(), transport=transport) as book:
            send(book, world, 25)
            recall = book.run(book.plan(campaign="spring", reason="wrong link", actor="wang"))
            book.show(recall.recall_id)
            book.recalls()
            book.campaigns()
            book.history()
            book.verify()
            book.doctor()
