"""A database that was upgraded just now verifies, with and without what had been signed before."""

from pathlib import Path

import pytest

from ledger import Ledger
from ledger.core.audit.chain_damage import DamageKind
from ledger.services.audit.anchor_check import Match
from ledger.services.audit.audit_verifier import NOT_ANCHORED, AuditReport
from ledger.services.audit.keys import public_key
from ledger.simulator import World
from ledger.store import migrate
from ledger.store.database import Database
from tests.old_history import make_old
from tests.sending import send

from .conftest import recall


def check(book: Ledger, *files: Path) -> AuditReport:
    key = book.parts.settings.audit_key_file
    assert key is not None
    return book.parts.audit_verifier.run_once(files, [public_key(key)])


@pytest.mark.parametrize("revision", ["0011", "0012", "0014", "0015", "0016"])
def test_after_an_upgrade_all_that_was_signed_before_it_still_proves(
    anchored: Ledger, world: World, database: Database, kept: Path, revision: str
) -> None:
    for campaign in ("spring", "summer"):
        recall(anchored, world, 3, campaign)
        anchored.parts.checkpointer.run_once()
    migrate.downgrade(database, revision)
    migrate.upgrade(database)
    found = check(anchored, kept)
    assert (found.ok, found.damages, found.findings, found.proven_entries) == (True, (), (), found.entries)
    assert [one.match for one in found.checkpoints] == [Match.SAME] * 2
    recall(anchored, world, 1, "autumn")
    anchored.parts.checkpointer.run_once()
    assert (check(anchored, kept).ok, check(anchored, kept).not_proven) == (True, ())


def test_a_history_that_an_upgrade_chains_anew_verifies_and_is_signed_from_there_on(
    anchored: Ledger, world: World, database: Database, kept: Path
) -> None:
    send(anchored, world, 3, users=["ann.of.here", "bob.of.here"])
    anchored.run(anchored.plan(users=["ann.of.here"], include_shared=True, reason="wrong link", actor="wang"))
    anchored.parts.checkpointer.run_once()
    make_old(database)
    migrate.downgrade(database, "0010")
    migrate.upgrade(database)
    plain = check(anchored)
    assert (plain.ok, plain.findings, plain.not_proven) == (True, (), (NOT_ANCHORED,))
    # What was signed is of the chain of before: the entry of the upgrade says so, and the next is of the new one.
    assert [one.kind for one in check(anchored, kept).damages] == [DamageKind.OTHER_LEDGER]
    kept.rename(kept.with_suffix(".before"))
    anchored.parts.checkpointer.run_once()
    found = check(anchored, kept)
    assert (found.ok, found.proven_entries, found.not_proven) == (True, found.entries, ())
