"""What tests of corrections share: a recall that has finished, and the text that corrects it."""

from collections.abc import Callable

import pytest

from ledger import Ledger
from ledger.core.corrections.correction_text import CorrectionText, read_text
from ledger.simulator import World
from tests.sending import send

RIGHT = read_text("sampleText", '{"content": "The right link is https://example.com/spring"}')
SENT = "/v1.0/robot/oToMessages/batchSend"

Recalled = Callable[..., int]


@pytest.fixture
def text() -> CorrectionText:
    """What corrects."""
    return RIGHT


@pytest.fixture
def recalled(world: World) -> Recalled:
    """A maker of recalls that have finished: of one message to some people, or of one each."""

    def make(book: Ledger, users: list[str] | None = None, *, count: int = 1, campaign: str = "spring") -> int:
        send(book, world, count, users=users, campaign=campaign)
        result = book.run(book.plan(campaign=campaign, reason="wrong link", actor="wang"))
        assert result.is_complete
        return result.recall_id

    return make
