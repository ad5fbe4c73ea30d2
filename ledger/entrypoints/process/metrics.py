"""Metrics for Prometheus: the meter's figures and this process's own counts, under names that dashboards rely on."""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recalls.reply import Verdict
from ledger.core.recording.message import Chat
from ledger.errors import InputError, LedgerError
from ledger.services.recording.group_writer import LOST
from ledger.services.recording.write_outcome import WriteOutcome

if TYPE_CHECKING:
    from ledger.parts import Parts
    from ledger.services.reports.figures import Figures

UNFINISHED = (Status.PLANNED, Status.RUNNING, Status.PAUSED)
AT_WORK = (Status.RUNNING, Status.PAUSED)
HTTP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

log = logging.getLogger(__name__)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self, parts: "Parts") -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(LedgerCollector(parts))
        self.http = Histogram(
            "ledger_http_request_duration_seconds",
            "How long answers took, from the first byte of the request to the last of the answer.",
            ("method", "route", "status"),
            buckets=HTTP_BUCKETS,
            registry=self.registry,
        )
        self.gateway = Counter(
            "ledger_gateway_requests",
            "Requests that the gateway forwarded, by what came of them.",
            ("outcome",),
            registry=self.registry,
        )


class LedgerCollector(Collector):
    """Reads the ledger whenever it is scraped; a database that is away costs its figures, and nothing else."""

    def __init__(self, parts: "Parts") -> None:
        self._parts = parts

    def describe(self) -> Iterable[Metric]:
        """Say nothing beforehand: that would read the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield everything."""
        yield from self._of_this_process()
        try:
            figures = self._parts.figures.read()
        except LedgerError as error:
            log.warning("no figures of the database: %s", error)
            yield _gauge("database_up", "1 when the database answered this scrape.", {(): 0})
            return
        yield _gauge("database_up", "1 when the database answered this scrape.", {(): 1})
        yield from self._of_settings()
        yield from _states(figures)
        yield from _anchors(figures)
        yield from _speeds(figures)
        yield from _counts(figures, self._parts.settings.app_names)

    def _of_this_process(self) -> Iterator[Metric]:
        written = self._parts.recorder.counts
        text = "Sends that this process recorded, by what became of them."
        yield _counter("recorded", text, {(one,): written.get(one, 0) for one in (*WriteOutcome, LOST)}, "fate")
        depth = self._parts.recorder.depth()
        yield _gauge("spool_files", "Journals that wait in the spool.", {(): depth.files})
        yield _gauge("spool_bytes", "Bytes that wait in the spool.", {(): depth.bytes})
        text = "Those of them in the folders that are used when the first cannot be written."
        yield _gauge("spool_fallback_bytes", text, {(): depth.fallback_bytes})
        text = "Bytes of lines in the spool that are no messages: somebody has to look at them."
        yield _gauge("spool_refused_bytes", text, {(): depth.refused_bytes})
        text = "Rows that could not be recorded and wait in the spool for a person, each with its reason."
        yield _gauge("spool_refused_rows", text, {(): depth.refused_rows})

    def _of_settings(self) -> Iterator[Metric]:
        settings = self._parts.settings
        yield _gauge(
            "quota_calls_limit", "Calls that the organisation may make in a month.", {(): settings.monthly_calls}
        )
        text = "Calls of the month that plans are to leave."
        yield _gauge("quota_calls_reserve", text, {(): settings.quota_reserve_calls})


def _states(figures: "Figures") -> Iterator[Metric]:
    age = figures.heartbeat_age_seconds
    text = "Seconds since any worker showed that it lives; infinite when none ever did."
    yield _gauge("heartbeat_age_seconds", text, {(): math.inf if age is None else age})
    text = "Recalls that have not ended, by their status."
    yield _gauge("recalls", text, {(status,): figures.recalls.get(status, 0) for status in UNFINISHED}, "status")
    text = "Messages of running and paused recalls that wait for their turn."
    yield _gauge("items_waiting", text, {(status,): figures.counted.waiting[status] for status in AT_WORK}, "status")
    text = "Those of them whose deadline is less than 15 minutes away."
    near = {(status,): figures.counted.near_deadline[status] for status in AT_WORK}
    yield _gauge("items_near_deadline", text, near, "status")
    text = "Messages within their deadline, recalled ones included."
    yield _gauge("messages_within_deadline", text, {(): figures.counted.open_messages})
    text = "Those of them whose robot belongs to no app: nobody can recall them before it is configured."
    yield _gauge("messages_without_app", text, {(): figures.counted.unconfigured})
    text = "Sends of the last 24 hours whose key never came back, so that nobody can recall them."
    yield _gauge("sends_without_key", text, {(): figures.keyless_sends})
    text = "Recalls that were started without the second person that they need, and that nobody has reviewed."
    yield _gauge("break_glass_open", text, {(): figures.to_review})
    text = "Seconds since the deadline of the oldest message that is not purged yet."
    yield _gauge("purge_lag_seconds", text, {(): figures.purge_lag_seconds})
    text = "Calls of this month as far as the ledger knows them, sends included."
    yield _gauge("quota_calls_used", text, {(): figures.counted.used_calls})


def _anchors(figures: "Figures") -> Iterator[Metric]:
    age = figures.checkpoint_age_seconds
    text = "Seconds since the history was signed; infinite when it never was."
    yield _gauge("audit_checkpoint_age_seconds", text, {(): math.inf if age is None else age})
    text = "For how long checkpoints of the history have not arrived where they are kept; 0 when they do."
    failing = {("signing",): 0.0} | {(name,): seconds for name, seconds in figures.anchors_failing_seconds.items()}
    yield _gauge("audit_anchor_failing_seconds", text, failing, "anchor")


def _speeds(figures: "Figures") -> Iterator[Metric]:
    labels = ("app", "api")
    limits = {(one.app, one.api): one.limit_per_second for one in figures.paces}
    yield _gauge("rate_limit_calls_per_second", "How many calls a second are allowed.", limits, *labels)
    shares = {(one.app, one.api): one.share for one in figures.paces}
    yield _gauge("rate_share_ratio", "How much of the allowed rate is in use; less after throttling.", shares, *labels)
    blocked = {(one.app, one.api): one.blocked_seconds for one in figures.paces}
    yield _gauge("rate_blocked_seconds", "For how long no call leaves, after throttling or a ban.", blocked, *labels)


def _counts(figures: "Figures", apps: Iterable[str]) -> Iterator[Metric]:
    # At zero from the start: what rises from nothing to something is no rise to Prometheus.
    calls: dict[tuple[str, str, str], int] = {
        (app, chat, verdict): 0 for app in apps for chat in Chat for verdict in Verdict
    }
    calls.update(figures.calls)
    text = "Recall calls since this process started, whichever process made them."
    yield _counter("recall_calls", text, calls, "app", "api", "verdict")
    text = "How messages of recalls ended since this process started; asked again, one ends again."
    outcomes = {(outcome,): figures.outcomes.get(outcome, 0) for outcome in Outcome}
    yield _counter("outcomes", text, outcomes, "outcome")
    text = "Refused messages by DingTalk's code, since this process started."
    yield _counter("refusals", text, {(code,): count for code, count in figures.refusals.items()}, "code")
    text = "Messages deleted past their window, since this process started."
    yield _counter("purged_messages", text, {(): figures.purged_messages})


def _gauge(name: str, text: str, values: Mapping[Any, float], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"ledger_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric([str(part) for part in key], value)
    return family


def _counter(name: str, text: str, values: Mapping[Any, float], *labels: str) -> Metric:
    family = CounterMetricFamily(f"ledger_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric([str(part) for part in key], value)
    return family


@contextmanager
def scraped_at(metrics: Metrics, host: str, port: int) -> Iterator[None]:
    """Answer scrapes at an address of their own as long as it is entered."""
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise InputError(f"metrics cannot be served on {host}:{port}: {error.strerror or error}") from None
    log.info("metrics on http://%s:%s/metrics", host, server.server_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
