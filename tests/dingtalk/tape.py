"""A real connection that remembers which requests went over it."""

import json
import threading
from typing import Any

import httpx


class Tape(httpx.BaseTransport):
    """Hands requests on to the network and keeps them."""

    def __init__(self) -> None:
        self._network = httpx.HTTPTransport()
        self._lock = threading.Lock()
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Note a request and make it."""
        with self._lock:
            self.requests.append(request)
        return self._network.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self._network.close()

    def bodies(self, path: str) -> list[Any]:
        """Return what was posted to a path."""
        return [json.loads(request.content) for request in self.requests if request.url.path == path]
