"""For tests of the ledger, and of programs that use it: an executor without threads, and DingTalk without sockets."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

import httpx

from ledger.clock import Clock
from ledger.simulator import Request, World

P = ParamSpec("P")
T = TypeVar("T")


class InlineExecutor(Executor):
    """Does the work in the caller's thread, at once, so that a run on a fake clock repeats to the letter."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return a future that is done already."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class WorldTransport(httpx.BaseTransport):
    """Hands the requests of an httpx client to a simulated DingTalk in this process."""

    def __init__(self, world: World, clock: Clock, address: str = "127.0.0.1") -> None:
        self._world, self._clock, self._address = world, clock, address

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the world's reply after its delay, or fail as a cut connection does."""
        reply = self._world.handle(
            Request.of(
                request.method,
                request.url.raw_path.decode("ascii"),
                dict(request.headers),
                request.read(),
                address=self._address,
            )
        )
        self._clock.sleep(reply.delay_seconds)
        if reply.cut is not None:
            raise httpx.RemoteProtocolError("the server cut the connection", request=request)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body, request=request)
