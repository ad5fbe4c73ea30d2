"""The server: uvicorn, set up so that it stops gracefully, streams included."""

import uvicorn
from fastapi import FastAPI

GRACE_SECONDS = 20


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
        """Take a signal."""
        self._app.state.stopping.set()
        super().handle_exit(sig, frame)  # type: ignore[arg-type]
