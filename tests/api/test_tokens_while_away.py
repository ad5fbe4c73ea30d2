"""A service that has not reached its database since it started spools for the tokens that worked before."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from ledger.clock import FakeClock
from ledger.core.access.roles import Role
from ledger.services.access.known_tokens import BELIEVED_FOR, KNOWN_TOKENS
from tests.conftest import MakeLedger
from tests.outages import away
from tests.sending import row

from .conftest import Service, serving


@contextmanager
def started_while_away(before: Service, make_ledger: MakeLedger, secret: str | None) -> Iterator[httpx.Client]:
    """Start the service of a ledger anew while its database is away, and return a client of it."""
    anew = make_ledger(database_patience_seconds=0)
    with away(before.book), serving(anew) as service, service.client(secret) as client:
        yield client
    anew.close()


def handed_in(client: httpx.Client, clock: FakeClock, *keys: str, **options: object) -> httpx.Response:
    return client.post("/v1/messages", json=[row(key, clock.now()) for key in keys], **options)  # type: ignore[arg-type]


def known_before(service: Service, clock: FakeClock, secret: str) -> None:
    """Let a service see a token while it can ask."""
    with service.client(secret) as client:
        assert handed_in(client, clock, "before").json()["recorded"] == 1


def messages(service: Service) -> int:
    return sum(line.messages for line in service.book.campaigns())


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "mine"}])
def test_what_a_known_token_hands_in_is_spooled_and_recorded_later(
    service: Service, make_ledger: MakeLedger, clock: FakeClock, headers: dict[str, str]
) -> None:
    secret = service.token(Role.RECORDER)
    known_before(service, clock, secret)
    with started_while_away(service, make_ledger, secret) as client:
        answer = handed_in(client, clock, "a", "b", headers=headers)
    assert answer.status_code == 200
    assert (answer.json()["spooled"], answer.json()["recorded"]) == (2, 0)
    assert messages(service) == 3


def test_also_one_that_nobody_has_used_yet_and_for_its_own_robots_only(
    service: Service, make_ledger: MakeLedger, clock: FakeClock
) -> None:
    unused = service.token(Role.RECORDER, name="unused", robots=("robot-2",))
    known_before(service, clock, service.token(Role.RECORDER))
    with started_while_away(service, make_ledger, unused) as client:
        mixed = [row("mine", clock.now(), robot="robot-2"), row("others", clock.now(), robot="robot-1")]
        answer = client.post("/v1/messages", json=mixed).json()
    assert (answer["spooled"], [one["line"] for one in answer["rejected"]]) == (1, [2])


def test_without_a_token_this_machine_is_believed_as_by_the_command(
    service: Service, make_ledger: MakeLedger, clock: FakeClock
) -> None:
    with started_while_away(service, make_ledger, None) as client:
        assert handed_in(client, clock, "a").json()["spooled"] == 1
    assert messages(service) == 1


def test_whom_nobody_knows_or_who_may_not_record_is_asked_to_come_again_and_leaves_nothing(
    service: Service, make_ledger: MakeLedger, clock: FakeClock
) -> None:
    revoked, auditor = service.token(Role.RECORDER, name="revoked"), service.token(Role.AUDITOR)
    known_before(service, clock, revoked)
    service.book.parts.service_tokens.revoke("revoked", actor="tester")
    with started_while_away(service, make_ledger, None) as client:
        for secret in ("ledger_of-nobody", revoked, auditor):
            answer = handed_in(client, clock, "a", headers={"Authorization": f"Bearer {secret}"})
            assert answer.status_code == 503
    assert service.book.parts.recorder.depth().bytes == 0
    assert messages(service) == 1


def test_a_known_token_opens_nothing_but_the_spool(service: Service, make_ledger: MakeLedger, clock: FakeClock) -> None:
    secret = service.token(Role.ADMIN)
    known_before(service, clock, secret)
    with started_while_away(service, make_ledger, secret) as client:
        assert handed_in(client, clock, "a").json()["spooled"] == 1
        assert client.get("/v1/campaigns").status_code == 503
        assert client.post("/v1/recalls", json={"keys": ["before"], "reason": "x"}).status_code == 503


def test_after_a_day_nobody_is_believed_any_more(service: Service, make_ledger: MakeLedger, clock: FakeClock) -> None:
    secret = service.token(Role.RECORDER)
    known_before(service, clock, secret)
    clock.advance(BELIEVED_FOR + timedelta(seconds=1))
    with started_while_away(service, make_ledger, secret) as client:
        assert handed_in(client, clock, "a").status_code == 503


def test_what_is_kept_is_readable_by_its_user_alone_and_holds_no_secret(service: Service, clock: FakeClock) -> None:
    secret = service.token(Role.RECORDER)
    known_before(service, clock, secret)
    path = service.book.settings.spool_folder / KNOWN_TOKENS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret.removeprefix("ledger_")[:8] not in path.read_text()
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(KNOWN_TOKENS)] == [KNOWN_TOKENS]


def test_a_file_that_nobody_can_read_is_as_good_as_none(
    service: Service, make_ledger: MakeLedger, clock: FakeClock
) -> None:
    secret = service.token(Role.RECORDER)
    known_before(service, clock, secret)
    with started_while_away(service, make_ledger, secret) as client:
        for content in ("", "{", "[]", '{"at": "2026-03-01T12:00:00Z", "tokens": {"a": {"name": 1}}}', "\ud800"):
            path = service.book.settings.spool_folder / KNOWN_TOKENS
            path.write_text(content, "utf-8", "surrogatepass")
            assert handed_in(client, clock, "a").status_code == 503


def test_a_file_that_a_stranger_may_have_put_there_is_as_good_as_none(
    service: Service, make_ledger: MakeLedger, clock: FakeClock, tmp_path: Path
) -> None:
    secret = service.token(Role.RECORDER)
    known_before(service, clock, secret)
    path = service.book.settings.spool_folder / KNOWN_TOKENS
    path.rename(tmp_path / "of-a-stranger")
    with started_while_away(service, make_ledger, secret) as client:
        path.symlink_to(tmp_path / "of-a-stranger")
        assert handed_in(client, clock, "a").status_code == 503
        path.unlink()
        os.mkfifo(path)
        assert handed_in(client, clock, "a").status_code == 503
        path.unlink()
        (tmp_path / "of-a-stranger").rename(path)
        assert handed_in(client, clock, "a").json()["spooled"] == 1
