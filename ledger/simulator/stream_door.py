"""The WebSocket end of the pretend DingTalk: it lets in who has a ticket, and sends what the world wants sent."""

import threading
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from .world import World

if TYPE_CHECKING:
    from websockets.http11 import Request, Response
    from websockets.sync.server import ServerConnection

LOOK_SECONDS = 0.2


class StreamDoor:
    """Listens on a port of its own, as DingTalk's has a host of its own; needs the package `websockets`."""

    def __init__(self, host: str, world: World) -> None:
        from websockets.sync.server import serve

        self._world = world
        self._numbers: dict[object, int] = {}
        self._open: dict[int, ServerConnection] = {}
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._server = serve(self._talk, host, 0, process_request=self._admit, ping_interval=None)
        port = self._server.socket.getsockname()[1]
        self.endpoint = f"ws://[{host}]:{port}/connect" if ":" in host else f"ws://{host}:{port}/connect"
        self._threads = [
            threading.Thread(target=work, name="dingtalk-simulator-stream", daemon=True)
            for work in (self._server.serve_forever, self._look)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End every connection and stop listening."""
        self._stopping.set()
        self._server.shutdown()
        for connection in list(self._open.values()):
            connection.close()
        for thread in self._threads:
            thread.join()

    def deliver(self) -> None:
        """Send what is due, and shut whom the world wants shut."""
        with self._turn:
            for number, text in self._world.stream_due():
                with suppress(Exception):  # it has just gone: the push comes again
                    self._open[number].send(text)
            for number in self._world.stream_shut():
                if (connection := self._open.get(number)) is not None:
                    connection.close()

    def cut(self) -> None:
        """Drop every connection without a word."""
        for connection in list(self._open.values()):
            connection.close_socket()

    def _admit(self, connection: "ServerConnection", request: "Request") -> "Response | None":
        tickets = parse_qs(urlsplit(request.path).query).get("ticket", [""])
        number = self._world.stream_enter(tickets[0])
        if number is None:
            return connection.respond(HTTPStatus.UNAUTHORIZED, "the ticket is used, too old, or none\n")
        self._numbers[connection.id] = number
        return None

    def _talk(self, connection: "ServerConnection") -> None:
        number = self._numbers.pop(connection.id)
        self._open[number] = connection
        self._world.stream_is_open(number)
        self.deliver()
        try:
            for text in connection:
                self._world.stream_answer(number, text)
        except Exception:  # noqa: S110 - it went away without a word
            pass
        finally:
            self._open.pop(number, None)
            self._world.stream_leave(number)

    def _look(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            self.deliver()
