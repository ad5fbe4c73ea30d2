"""What operators and their machines ask: probes, metrics, and the id that leads from an answer into the log."""

import json
import logging
import socket
import threading
from contextlib import ExitStack
from datetime import timedelta

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.access.roles import Role
from ledger.entrypoints.http.server import ServiceServer
from ledger.entrypoints.process.logs import JsonFormatter
from ledger.entrypoints.process.metrics import Metrics
from ledger.entrypoints.service.application import build_app
from ledger.services.upkeep.chores import HEARTBEAT, HEARTBEAT_EVERY, Chore, Chores
from ledger.simulator import World
from ledger.store import migrate
from tests.outages import away
from tests.sending import send

from .conftest import ServeLedger, Service, serving


def beat(service: Service) -> None:
    """Let a worker show that it lives."""
    chore = Chore(name=HEARTBEAT, every=HEARTBEAT_EVERY, lease=timedelta(seconds=5), action=lambda: None)
    parts = service.book.parts
    assert Chores(parts.database, parts.clock, "a worker", parts.pace_clock.seen).do(chore)


def figures(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the samples of a scrape, by name and values of labels, in the order of their names."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(one.name, tuple(one.labels[name] for name in sorted(one.labels))): one.value for one in samples}


def test_probes_need_no_token_and_say_when_the_work_can_be_done(serve_ledger: ServeLedger, clock: FakeClock) -> None:
    service = serve_ledger(is_open=False)
    service.token(Role.ADMIN)
    with service.client() as anybody:
        assert anybody.get("/healthz").json() == {"ok": True}
        lacking = anybody.get("/readyz")
        assert (lacking.status_code, lacking.json()["code"], lacking.json()["missing"]) == (
            503,
            "not_ready",
            ["scheduler"],
        )
        beat(service)
        assert anybody.get("/readyz").status_code == 200
        clock.advance(timedelta(seconds=90))
        assert "no worker was seen for 90 s" in anybody.get("/readyz").json()["detail"]


def test_the_worker_inside_makes_the_service_ready(serve_ledger: ServeLedger) -> None:
    with serve_ledger(with_worker=True).client() as anybody:
        assert anybody.get("/healthz").status_code == 200
        answers = iter(lambda: anybody.get("/readyz").status_code, 200)
        assert all(status == 503 for status in answers)


def test_old_tables_and_a_database_that_is_away_are_named_without_secrets(service: Service) -> None:
    beat(service)
    with service.client() as anybody:
        migrate.downgrade(service.book.parts.database, "0002")
        old = anybody.get("/readyz").json()
        assert (old["missing"], "ledger db upgrade" in old["detail"]) == (["migrations"], True)
        migrate.upgrade(service.book.parts.database)
        with away(service.book):
            gone = anybody.get("/readyz")
            assert anybody.get("/healthz").status_code == 200
        assert (gone.status_code, gone.json()["missing"]) == (503, ["database"])
        assert str(service.book.parts.database.url.database) not in gone.text


def test_metrics_are_for_those_who_may_operate(service: Service) -> None:
    with service.client() as this_machine:
        assert this_machine.get("/metrics").status_code == 200
    with service.signed_up(Role.RECORDER) as sender, service.signed_up(Role.AUDITOR) as prometheus:
        assert sender.get("/metrics").status_code == 403
        assert prometheus.get("/metrics").status_code == 200
    with service.client() as this_machine:
        assert this_machine.get("/metrics").status_code == 401


def test_metrics_tell_of_a_recall(service: Service, world: World) -> None:
    with service.client() as client:
        before = figures(client.get("/metrics").text)
        assert before["ledger_heartbeat_age_seconds", ()] == float("inf")
        assert before["ledger_recall_calls_total", ("one_to_one", "default", "answered")] == 0
        send(service.book, world, 21)
        service.book.run(service.book.plan(campaign="spring", reason="typo"))
        beat(service)
        text = client.get("/metrics").text
        found = figures(text)
    assert found["ledger_recall_calls_total", ("one_to_one", "default", "answered")] == 2
    assert found["ledger_outcomes_total", ("recalled",)] == 21
    assert found["ledger_heartbeat_age_seconds", ()] == 0
    assert found["ledger_rate_limit_calls_per_second", ("one_to_one", "default")] == 20
    assert found["ledger_http_request_duration_seconds_count", ("GET", "/metrics", "200")] == 1
    assert found["ledger_database_up", ()] == 1
    # Names as Prometheus has them, and a line of help for each of ours.
    helped = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP ledger_")}
    assert helped >= {"ledger_recall_calls_total", "ledger_spool_bytes", "ledger_quota_calls_used"}


def test_a_scrape_does_without_a_database_that_is_away(serve_ledger: ServeLedger) -> None:
    service = serve_ledger(database_patience_seconds=0)
    with service.client() as client:
        assert client.get("/metrics").status_code == 200
    # Past the door: with a database that is away, nobody can tell who asks.
    registry = Metrics(service.book.parts).registry
    with away(service.book):
        found = figures(generate_latest(registry).decode())
    assert found["ledger_database_up", ()] == 0
    assert ("ledger_spool_bytes", ()) in found
    assert ("ledger_items_waiting", ("running",)) not in found


def test_paths_that_do_not_exist_make_no_series_of_their_own(service: Service) -> None:
    with service.client() as client:
        for path in ("/nothing/one", "/nothing/two", "/v1/recalls/7/nonsense"):
            client.get(path)
        found = figures(client.get("/metrics").text)
    assert found["ledger_http_request_duration_seconds_count", ("GET", "none", "404")] == 3


@pytest.mark.parametrize(
    ("given", "is_taken"), [("trace-1.a_B", True), ("a" * 65, False), ('"><b>', False), ("", False)]
)
def test_an_answer_carries_the_id_of_its_request(service: Service, given: str, is_taken: bool) -> None:
    with service.client(headers={"x-request-id": given}) as client:
        fine, lost = client.get("/healthz"), client.get("/nothing")
    assert (fine.headers["x-request-id"] == given) is is_taken
    assert lost.json()["request_id"] == lost.headers["x-request-id"] != ""
    assert is_taken or fine.headers["x-request-id"] != lost.headers["x-request-id"]


def test_one_can_follow_a_request_into_the_history_and_on_to_dingtalk(
    service: Service, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ledger")
    send(service.book, world, 3)
    with service.client(headers={"x-request-id": "trace-7"}) as client:
        number = client.post("/v1/recalls", json={"campaign": "spring", "reason": "typo"}).json()["recall_id"]
        assert client.post(f"/v1/recalls/{number}/run").status_code == 202
    service.book.parts.worker().serve_recalls()
    report = service.book.show(number)
    (started,) = [entry for entry in report.timeline if entry["event"] == "started"]
    assert started["request_id"] == "trace-7"
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    (call,) = [line for line in lines if "call" in line]
    assert (call["recall"], call["call"]) == (number, report.calls[0]["id"])
    assert call["dingtalk_request_id"] == report.calls[0]["request_id"]


def test_a_service_that_stops_ends_what_streams(book: Ledger, world: World) -> None:
    send(book, world, 1)
    number = book.plan(campaign="spring", reason="typo").recall_id
    with ExitStack() as after:
        with serving(book) as service:
            client = after.enter_context(service.client())
            stream = after.enter_context(client.stream("GET", f"/v1/recalls/{number}/events"))
            lines = stream.iter_lines()
            assert next(lines).startswith("retry:")
        # It has stopped, and the stream was not cut off: reading on comes to its end.
        assert any(line.startswith("data:") for line in lines)


def test_a_whole_recall_leaves_no_secret_in_the_log(
    serve_ledger: ServeLedger, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service = serve_ledger(with_worker=True)
    send(service.book, world, 3)
    secret = service.token(Role.OPERATOR)
    with service.client(secret) as client:
        client.get("/v1/campaigns")
        client.post("/sign-in", data={"token": secret})
        client.get("/v1/campaigns", params={"token": secret}, headers={"authorization": f"Basic {secret}"})
    service.book.run(service.book.plan(campaign="spring", reason="typo"))
    ours = [record for record in caplog.records if record.name.startswith("ledger")]
    assert any("answered" in record.getMessage() for record in ours)
    message = "\n".join(JsonFormatter().format(record) for record in ours)
    for hidden in (secret, "a-long-secret-of-the-app", world.issue_token()):
        assert hidden not in message


def test_a_service_that_was_told_to_stop_before_it_listens_to_signals_stops(book: Ledger) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ServiceServer(build_app(book.parts, is_open=True, with_worker=False), lambda: True)
        running = threading.Thread(target=server.run, args=([listener],))
        running.start()
        running.join(timeout=30)
    assert not running.is_alive()
