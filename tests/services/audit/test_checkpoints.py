"""Checkpoints: signed after each recall and now and then, kept outside, tried again, and never in anybody's way."""

import shutil
import socket
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sqlalchemy import func, select

from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.core.audit.chain import GENESIS
from ledger.core.audit.checkpoint import Checkpoint
from ledger.core.audit.merkle import SEGMENT_ENTRIES, leaf_of, root_of
from ledger.core.audit.signing import is_signed_by, key_id
from ledger.errors import AuditError, SettingsError, UnwritableFileError
from ledger.services.audit import keys
from ledger.services.audit.anchors import SyslogAnchor
from ledger.services.audit.timestamps import checked, roots_of
from ledger.simulator import World
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.schema import history as entries
from ledger.store.schema import history_segments
from tests.receiver import Receiver
from tests.sending import send

from .conftest import MakeAnchored, checkpoints_in, recall


def test_a_checkpoint_says_how_far_the_history_has_come_and_who_signed_it(
    anchored: Ledger, world: World, kept: Path, key_file: Path, database: Database
) -> None:
    recall(anchored, world)
    written = anchored.parts.checkpointer.run_once()
    with database.read() as connection:
        digests = list(connection.execute(select(entries.c.digest).order_by(entries.c.id)).scalars())
    made = written.checkpoint
    assert (made.entries, made.head, made.root) == (len(digests), digests[-1], root_of([*map(leaf_of, digests)]).hex())
    assert is_signed_by(made, keys.public_key(Path(f"{key_file}.pub")))
    assert (written.reached, written.failed) == (("file",), {})
    assert checkpoints_in(kept) == [made]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_of_an_empty_history_it_says_that_there_is_nothing(anchored: Ledger) -> None:
    made = anchored.parts.checkpointer.run_once().checkpoint
    assert (made.entries, made.head, made.root) == (0, GENESIS, root_of([]).hex())


def test_closed_segments_are_read_once_and_the_root_stays_that_of_all(anchored: Ledger, database: Database) -> None:
    clock, digests = anchored.parts.clock, list[str]()
    for more in (SEGMENT_ENTRIES - 1, 2, SEGMENT_ENTRIES, 1):
        with database.write() as connection:
            several = [
                history.Entry(
                    at=clock.now(), event="purged", actor="worker", recall_id=None, detail={"messages": number}
                )
                for number in range(more)
            ]
            history.append(connection, several)
            digests = list(connection.execute(select(entries.c.digest).order_by(entries.c.id)).scalars())
        made = anchored.parts.checkpointer.run_once().checkpoint
        assert (made.entries, made.head) == (len(digests), digests[-1])
        assert made.root == root_of([*map(leaf_of, digests)]).hex()
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(history_segments)) == len(digests) // SEGMENT_ENTRIES


def test_the_worker_writes_one_after_each_recall_and_when_its_time_has_come(
    anchored: Ledger, world: World, kept: Path, clock: FakeClock
) -> None:
    checkpointer = anchored.parts.checkpointer
    checkpointer.run_if_due()
    assert checkpoints_in(kept) == []
    recall(anchored, world)
    for _ in range(2):
        checkpointer.run_if_due()
    assert len(checkpoints_in(kept)) == 1
    # What ends no recall waits for its time.
    send(anchored, world, 1, campaign="autumn")
    anchored.plan(campaign="autumn", reason="looking")
    checkpointer.run_if_due()
    assert len(checkpoints_in(kept)) == 1
    clock.advance(timedelta(hours=1))
    for _ in range(2):
        checkpointer.run_if_due()
    assert len(checkpoints_in(kept)) == 2
    clock.advance(timedelta(hours=5))
    checkpointer.run_if_due()
    assert len(checkpoints_in(kept)) == 2


def test_a_worker_does_it_by_itself(anchored: Ledger, world: World, kept: Path) -> None:
    recall(anchored, world)
    worker = anchored.parts.worker()
    (duty,) = [chore for chore in worker._duties if chore.name == "checkpoint"]
    assert anchored.parts.worker()._chores.do(duty)
    assert len(checkpoints_in(kept)) == 1


def test_who_sets_nothing_gets_none(book: Ledger) -> None:
    assert "checkpoint" not in [chore.name for chore in book.parts.worker()._duties]


def test_what_does_not_arrive_is_tried_again_seen_by_the_doctor_and_counted(
    make_anchored: MakeAnchored, world: World, clock: FakeClock, tmp_path: Path
) -> None:
    away = tmp_path / "not there" / "checkpoints.jsonl"
    book = make_anchored(audit_checkpoint_file=away)
    recall(book, world)
    checkpointer = book.parts.checkpointer
    checkpointer.run_if_due()
    check = next(one for one in book.parts.examine() if one.name == "audit")
    assert (check.ok, "file since 2026-03-01 12:00 UTC" in check.found) == (False, True), check.found
    clock.advance(timedelta(seconds=30))
    assert book.parts.figures.read().anchors_failing_seconds == {"file": 30.0, "signing": 0.0}
    away.parent.mkdir()
    checkpointer.run_if_due()
    assert not away.exists()
    clock.advance(timedelta(seconds=30))
    checkpointer.run_if_due()
    assert len(checkpoints_in(away)) == 1
    assert next(one for one in book.parts.examine() if one.name == "audit").ok
    figures = book.parts.figures.read()
    assert figures.anchors_failing_seconds == {"file": 0.0, "signing": 0.0}
    assert figures.checkpoint_age_seconds == 60.0


def test_a_recall_goes_on_whatever_becomes_of_its_checkpoint(
    make_anchored: MakeAnchored, world: World, key_file: Path
) -> None:
    key_file.write_text("no key any more")
    book = make_anchored()
    recall(book, world)
    book.parts.checkpointer.run_if_due()
    check = next(one for one in book.parts.examine() if one.name == "audit")
    assert not check.ok
    assert "LEDGER_AUDIT_KEY_FILE" in check.found
    assert recall(book, world, campaign="autumn")


def test_the_doctor_says_what_is_missing(make_anchored: MakeAnchored, world: World, clock: FakeClock) -> None:
    def found(book: Ledger) -> tuple[str, str]:
        check = next(one for one in book.parts.examine() if one.name == "audit")
        return check.level, check.found

    unsigned = make_anchored(audit_key_file=None, audit_checkpoint_file=None)
    assert found(unsigned)[0] == "ok"
    assert found(make_anchored(audit_key_file=None))[0] == "failed"
    assert found(make_anchored(audit_checkpoint_file=None))[0] == "warning"
    book = make_anchored()
    assert found(book) == ("ok", "nothing to sign yet")
    recall(book, world)
    assert "no checkpoint" in found(book)[1]
    book.parts.checkpointer.run_once()
    assert found(book)[0] == "ok"
    clock.advance(timedelta(days=3))
    assert found(book)[0] == "ok"


def test_a_line_that_was_torn_does_not_take_the_next_one_along(anchored: Ledger, world: World, kept: Path) -> None:
    recall(anchored, world)
    kept.write_text('{"kind": "torn')
    made = anchored.parts.checkpointer.run_once().checkpoint
    assert kept.read_text() == f'{{"kind": "torn\n{made.to_line()}\n'


def test_the_machines_log_takes_them(tmp_path: Path, anchored: Ledger) -> None:
    made = anchored.parts.checkpointer.run_once().checkpoint
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        SyslogAnchor([tmp_path / "none", tmp_path / "log"]).take(made)
        assert log.recv(10_000) == f"<85>ledger: {made.to_line()}".encode()
    with pytest.raises(AuditError, match="none"):
        SyslogAnchor([tmp_path / "none"]).take(made)


def test_an_address_takes_them_and_who_refuses_one_is_asked_again(
    make_anchored: MakeAnchored, world: World, receiver: Receiver, clock: FakeClock, kept: Path
) -> None:
    book = make_anchored(audit_webhook_url=f"{receiver.url}?secret=s3cret")
    recall(book, world)
    receiver.status = 500
    written = book.parts.checkpointer.run_once()
    assert written.reached == ("file",)
    assert written.failed == {"webhook": "127.0.0.1 answered with status 500"}
    receiver.status = 204
    clock.advance(timedelta(minutes=2))
    book.parts.checkpointer.run_if_due()
    assert receiver.taken == [written.checkpoint.to_line().encode()] * 2
    assert len(checkpoints_in(kept)) == 1


@pytest.mark.parametrize("url", ["http://audit.example.com/", "ftp://audit.example.com/", "audit", "https://a b/"])
def test_an_address_is_https_outside_this_machine(url: str) -> None:
    with pytest.raises(SettingsError, match="LEDGER_AUDIT_WEBHOOK_URL"):
        Settings.load(audit_webhook_url=url)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A time-stamp authority of openssl: its folder."""
    if shutil.which("openssl") is None:
        pytest.skip("this needs openssl")
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_cert=cert.pem\nsigner_key=key.pem\nsigner_digest=sha256\n"
        "default_policy=1.2.3.4.1\ndigests=sha256\ncerts=cert.pem\naccuracy=secs:1\ness_cert_id_alg=sha256\n"
    )
    (folder / "serial").write_text("01\n")
    _certify(folder)
    return folder


def _certify(folder: Path) -> None:
    """Make a root, and the certificate of the authority."""
    now = datetime.now(UTC)
    keys_of = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "tsa")}
    for name, is_root in (("root", True), ("tsa", False)):
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")]))
            .public_key(keys_of[name].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        )
        if not is_root:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(usage, critical=True)
        made = builder.sign(keys_of["root"], hashes.SHA256())
        file = folder / ("root.pem" if is_root else "cert.pem")
        file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(keys_of["tsa"].private_bytes(*form))


def _stamp(folder: Path, query: bytes) -> bytes:
    (folder / "query").write_bytes(query)
    reply = "openssl ts -reply -config tsa.cnf -queryfile query"
    return subprocess.run(reply.split(), cwd=folder, check=True, capture_output=True).stdout


def test_an_authority_says_when_a_checkpoint_was_there(
    make_anchored: MakeAnchored, world: World, receiver: Receiver, clock: FakeClock, kept: Path, authority: Path
) -> None:
    book = make_anchored(audit_tsa_url=receiver.url)
    recall(book, world)
    receiver.answers = lambda _: b"no time-stamp"
    book.parts.checkpointer.run_if_due()
    (plain,) = checkpoints_in(kept)
    assert plain.timestamp is None
    assert "tsa" in next(one for one in book.parts.examine() if one.name == "audit").found
    receiver.answers = lambda query: _stamp(authority, query)
    clock.advance(timedelta(minutes=2))
    book.parts.checkpointer.run_if_due()
    stamped = checkpoints_in(kept)[-1]
    assert stamped.entries == plain.entries
    stamp = checked(stamped, roots_of(authority / "root.pem"))
    assert stamp.is_vouched
    assert checked(stamped, ()).is_vouched is None
    foreign = Checkpoint.read({**stamped.to_json(), "entries": 1})
    with pytest.raises(AuditError, match="something else"):
        checked(foreign, ())
    assert next(one for one in book.parts.examine() if one.name == "audit").ok


def test_a_key_is_for_its_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    name = keys.generate(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert name in (key_id(keys.public_key(tmp_path / f"key{end}")) for end in ("", ".pub"))
    with pytest.raises(UnwritableFileError, match="never replaced"):
        keys.generate(tmp_path / "key")


def test_a_key_may_come_from_a_command(make_anchored: MakeAnchored, key_file: Path) -> None:
    book = make_anchored(audit_key_file=None, audit_key_command=f"cat '{key_file}'")
    assert is_signed_by(book.parts.checkpointer.run_once().checkpoint, keys.public_key(key_file))


@pytest.mark.parametrize("command", ["false", "no-such-command", "echo no key", "'"])
def test_a_command_that_gives_no_key_is_named_and_not_what_it_said(make_anchored: MakeAnchored, command: str) -> None:
    book = make_anchored(audit_key_file=None, audit_key_command=command)
    with pytest.raises(AuditError, match="LEDGER_AUDIT_KEY_COMMAND"):
        book.parts.checkpointer.run_once()


def test_two_keys_are_one_too_many(make_anchored: MakeAnchored) -> None:
    with pytest.raises(SettingsError, match="leave one"):
        make_anchored(audit_key_command="true").parts.checkpointer.run_once()
