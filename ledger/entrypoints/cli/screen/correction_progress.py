"""Somebody who watches a correction being sent: a line that is drawn anew on a terminal, one now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ledger.core.corrections.correction import CorrectionResult
from ledger.entrypoints.cli.screen.output import console, say
from ledger.entrypoints.cli.screen.run_progress import SECONDS_BETWEEN_LINES, Watch
from ledger.entrypoints.cli.screen.words import number_of
from ledger.entrypoints.process.signals import STOPPING, write_stopping


@contextmanager
def sending_shown() -> Iterator[Watch[CorrectionResult]]:
    """Watch on stderr, in the way that suits it."""
    screen = console(to_stderr=True)
    if not screen.is_terminal:
        yield _SendingLines()
        return
    with screen.status("asking DingTalk") as status:

        class SendingLine:
            """One line, which says how far it is."""

            def show(self, result: CorrectionResult, /) -> None:
                status.update(how_far(result))

            def stopping(self) -> None:
                status.update(STOPPING)

        yield SendingLine()


def how_far(result: CorrectionResult) -> str:
    """Say how many people have been written to."""
    done = result.people - result.pending
    unknown = f", of {result.unknown:,} nobody knows" if result.unknown else ""
    return f"{done:,} of {number_of(result.people, 'person', 'people')} written to{unknown}"


class _SendingLines:
    def __init__(self) -> None:
        self._shown_at = time.monotonic()

    def stopping(self) -> None:
        write_stopping()

    def show(self, result: CorrectionResult, /) -> None:
        if time.monotonic() - self._shown_at >= SECONDS_BETWEEN_LINES:
            self._shown_at = time.monotonic()
            say(how_far(result))
