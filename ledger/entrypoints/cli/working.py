"""The worker: what goes on without anybody at a keyboard, until it is told to stop."""

import logging
import signal
import sys
from concurrent.futures import ThreadPoolExecutor, wait

from ledger.entrypoints.cli.book import opened
from ledger.entrypoints.cli.stopping import Stop

DUTIES = "goes on with recalls that run, takes what arrives late for sticky ones, deletes what is past its window"
LOOK_FOR_SIGNALS_SECONDS = 0.2

log = logging.getLogger(__name__)


def worker() -> None:
    """Do what is to be done, until it is stopped.

    It goes on with recalls whose process went away, follows sticky ones, and purges. Any number may run.
    """
    log_to_stderr()
    with opened() as book:
        at_work = book.worker()
        with Stop(signal.SIGTERM, say_so=at_work.stop), ThreadPoolExecutor(1, "ledger-worker") as desk:
            # Not in this thread: here signals arrive, and the lock of the event that they set must never be held.
            ended = desk.submit(at_work.run)
            log.info("working on %s: %s", book.database.shown_url, DUTIES)
            # In short waits: a signal that comes just before a long one would not be seen until its end.
            while not wait([ended], timeout=LOOK_FOR_SIGNALS_SECONDS).done:
                pass
            ended.result()
    log.info("stopped: what was under way is written down")


def log_to_stderr() -> None:
    """Say what happens in lines with their time."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("ledger").setLevel(logging.INFO)
    # It warns of every tick at which a long recall is still running.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
