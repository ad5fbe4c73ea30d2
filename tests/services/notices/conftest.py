"""What tests of notices share: ledgers that post them to a server of this machine."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ledger import Ledger
from tests.conftest import MakeLedger
from tests.receiver import Receiver

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
MakeTelling = Callable[..., Ledger]


@pytest.fixture
def make_telling(make_ledger: MakeLedger, receiver: Receiver) -> MakeTelling:
    """A maker of ledgers that post notices to a server of this machine, and have told all that was before."""

    def make(**settings: Any) -> Ledger:
        book = make_ledger(**{"webhook_urls": {"desk": receiver.url}, "webhook_secret": SECRET, **settings})
        book.parts.notifier.run_once()
        return book

    return make


@pytest.fixture
def telling(make_telling: MakeTelling) -> Ledger:
    """Such a ledger."""
    return make_telling()


def heard(receiver: Receiver) -> list[str]:
    """Return the events of which the server has heard."""
    return [json.loads(body)["type"] for body in receiver.taken]


def facts(receiver: Receiver) -> Any:
    """Return the facts of the last notice that it got."""
    return json.loads(receiver.taken[-1])["data"]
