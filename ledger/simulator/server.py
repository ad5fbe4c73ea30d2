"""A pretend DingTalk that listens: in a thread beside a test or a demonstration, or alone until it is stopped."""

import signal
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import FrameType
from typing import Self

from .behaviour import Behaviour
from .listener import Listener
from .management import PREFIX
from .stream_door import StreamDoor
from .world import World, system_time


class Simulator:
    """A running pretend DingTalk: `url` to point a client at, `world` to look at and to change.

    Port 0 takes any free port. Usable as a context manager; `start` and `stop` do the same by hand.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        now: Callable[[], datetime] = system_time,
        behaviour: Behaviour | None = None,
        *,
        apps: Mapping[str, str] | None = None,
        robots: Collection[str] | None = None,
        seed: int | None = None,
    ) -> None:
        self.world = World(now, behaviour, apps=apps, robots=robots, seed=seed)
        self._address = (host, port)
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None
        self._stream: StreamDoor | None = None

    @property
    def url(self) -> str:
        """The address to use in place of https://api.dingtalk.com; raise RuntimeError before the start."""
        if self._listener is None:
            raise RuntimeError("the simulator is not running: call start() or use it in a with block")
        host, port = (str(part) for part in self._listener.server_address[:2])
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> Self:
        """Listen, and answer in threads of its own."""
        self._listener = Listener(self._address, self.world)
        self.world.listen(self._stream_endpoint, self.deliver)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(0.05,), name="dingtalk-simulator", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and end every connection; twice is no harm."""
        if self._listener is None or self._thread is None:
            return
        self._listener.shutdown()
        self._thread.join()
        if self._stream is not None:
            self._stream.stop()
            self._stream = None
        self._listener.server_close()
        self._listener.end_connections(timeout_seconds=5.0)
        self._listener = self._thread = None

    def deliver(self) -> None:
        """Send what is due on Stream connections; done by itself, but at once after a fake clock was moved."""
        if self._stream is not None:
            self._stream.deliver()

    def cut_streams(self) -> None:
        """Drop every Stream connection without a word."""
        if self._stream is not None:
            self._stream.cut()

    def _stream_endpoint(self) -> str:
        """Listen for Stream connections from the first on: who wants none needs no package for it."""
        if self._stream is None:
            self._stream = StreamDoor(self._address[0], self.world)
        return self._stream.endpoint

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(host: str = "127.0.0.1", port: int = 8399, behaviour: Behaviour | None = None) -> None:
    """Run until SIGINT or SIGTERM; call it from the main thread."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Simulator(host, port, behaviour=behaviour) as simulator:
            print(f"a pretend DingTalk answers at {simulator.url}", flush=True)  # noqa: T201
            print(f"its management door is {simulator.url}{PREFIX}calls", flush=True)  # noqa: T201
            ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
