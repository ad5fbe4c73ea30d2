"""A ledger whose history is signed, and the places outside that keep what was signed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger
from ledger.core.audit.checkpoint import Checkpoint
from ledger.services.audit.keys import generate
from ledger.simulator import World
from tests.conftest import MakeLedger
from tests.sending import send

MakeAnchored = Callable[..., Ledger]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A key that signs."""
    generate(tmp_path / "audit.key")
    return tmp_path / "audit.key"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The file outside."""
    return tmp_path / "checkpoints.jsonl"


@pytest.fixture
def make_anchored(make_ledger: MakeLedger, key_file: Path, kept: Path) -> MakeAnchored:
    """A maker of ledgers that sign and keep checkpoints."""

    def make(**settings: Any) -> Ledger:
        return make_ledger(**{"audit_key_file": key_file, "audit_checkpoint_file": kept, **settings})

    return make


@pytest.fixture
def anchored(make_anchored: MakeAnchored) -> Ledger:
    """A ledger that signs and keeps checkpoints."""
    return make_anchored()


def checkpoints_in(path: Path) -> list[Checkpoint]:
    """Return what a file outside holds."""
    return [Checkpoint.read(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def recall(book: Ledger, world: World, count: int = 1, campaign: str = "spring") -> int:
    """Send messages and recall them; return the number of the recall."""
    send(book, world, count, campaign=campaign)
    return book.run(book.plan(campaign=campaign, reason="wrong link", actor="wang")).recall_id
