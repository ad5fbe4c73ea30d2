"""The server: uvicorn, set up so that it stops gracefully, streams included."""

import os
import signal

import uvicorn
from fastapi import FastAPI

GRACE_SECONDS = 20
INTERRUPTED = 130


class Server(uvicorn.Server):
    """Serves an application on sockets that listen already; `stop` or a signal ends it once requests are answered."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_SECONDS
        )
        super().__init__(config)

    def stop(self) -> None:
        """Make `run` return soon; what streams without an end ends now."""
        self._app.state.stopping.set()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: object) -> None:
        """Take a signal; whoever presses Ctrl-C once more does not want to wait for what is under way."""
        if self.should_exit and sig == signal.SIGINT:
            os._exit(INTERRUPTED)
        self._app.state.stopping.set()
        super().handle_exit(sig, frame)  # type: ignore[arg-type]
