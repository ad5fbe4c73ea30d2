"""The server: uvicorn, set up so that it stops gracefully, streams included."""

import os
import signal
from collections.abc import Callable

from starlette.applications import Starlette

from ledger.entrypoints.process.http_server import BoundedServer

GRACE_SECONDS = 20
INTERRUPTED = 130


class ServiceServer(BoundedServer):
    """Serves an application on sockets that listen already; `stop` or a signal ends it once requests are answered.

    So does `is_over`: a signal may come before the server takes signals.
    """

    def __init__(self, app: Starlette, is_over: Callable[[], bool] = lambda: False) -> None:
        self._app, self._is_over = app, is_over
        super().__init__(app, app.state.parts.settings, timeout_graceful_shutdown=GRACE_SECONDS)

    def stop(self) -> None:
        """Make `run` return soon; what streams without an end ends now."""
        self._app.state.stopping.set()
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Say whether to end now."""
        if self._is_over():
            self.stop()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: object) -> None:
        """Take a signal; whoever presses Ctrl-C once more does not want to wait for what is under way."""
        if self.should_exit and sig == signal.SIGINT:
            os._exit(INTERRUPTED)
        self._app.state.stopping.set()
        super().handle_exit(sig, frame)  # type: ignore[arg-type]
