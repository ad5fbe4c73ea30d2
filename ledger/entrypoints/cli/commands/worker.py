"""The worker: what goes on without anybody at a keyboard, until it is told to stop."""

import logging
import signal
from concurrent.futures import ThreadPoolExecutor, wait

from ledger.entrypoints.cli.options import LogFormatOption, LogLevelOption, MetricsHost, MetricsPort
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.logs import LogFormat, LogLevel, log_to_stderr
from ledger.entrypoints.process.metrics_server import serving_metrics
from ledger.entrypoints.process.signals import Stop

DUTIES = "goes on with recalls that run, takes what arrives late for sticky ones, deletes what is past its window"
LOOK_FOR_SIGNALS_SECONDS = 0.2

log = logging.getLogger(__name__)


def worker(
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.INFO,
    metrics_host: MetricsHost = "127.0.0.1",
    metrics_port: MetricsPort = None,
) -> None:
    """Do what is to be done, until it is stopped.

    It goes on with recalls whose process went away, follows sticky ones, and purges. Any number may run.
    """
    log_to_stderr(log_format, log_level)
    with opened() as parts, serving_metrics(parts, metrics_host, metrics_port):
        at_work = parts.worker()
        with Stop(signal.SIGTERM, signal.SIGHUP, say_so=at_work.stop), ThreadPoolExecutor(1, "ledger-worker") as desk:
            # Not in this thread: here signals arrive, and the lock of the event that they set must never be held.
            ended = desk.submit(at_work.run)
            log.info("working on %s: %s", parts.database.shown_url, DUTIES)
            # In short waits: a signal that comes just before a long one would not be seen until its end.
            while not wait([ended], timeout=LOOK_FOR_SIGNALS_SECONDS).done:
                pass
            ended.result()
    log.info("stopped: what was under way is written down")
