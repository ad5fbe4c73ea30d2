"""Senders under load, one for each library: so many sends, so many of them in flight, and how long each took.

Those in flight begin one after the other within `spread_seconds`, not all at once.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import httpx
import requests

PATH = "/v1.0/robot/oToMessages/batchSend"
MESSAGE = {
    "robotCode": "dingrobot",
    "userIds": [f"user-{number:06d}" for number in range(20)],
    "msgKey": "sampleText",
    "msgParam": '{"content": "the spring collection is here"}',
}
# One pool of httpx's AsyncClient falls apart with more than this in flight.
TASKS_PER_CLIENT = 50

Watch = Callable[[Any], Any]
Load = Callable[[str, int, int, float, Watch], list[float]]


def unwatched(client: Any) -> Any:
    """Leave a client as it is."""
    return client


def with_httpx(url: str, in_flight: int, sends: int, spread_seconds: float, watch: Watch) -> list[float]:
    """Send with one httpx.Client from many threads."""
    with httpx.Client(limits=httpx.Limits(max_connections=in_flight), timeout=60) as client:
        watch(client)
        return _in_threads(lambda: client.post(url + PATH, json=MESSAGE), in_flight, sends, spread_seconds)


def with_requests(url: str, in_flight: int, sends: int, spread_seconds: float, watch: Watch) -> list[float]:
    """Send with one requests.Session from many threads."""
    with requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=in_flight))
        watch(session)
        return _in_threads(lambda: session.post(url + PATH, json=MESSAGE, timeout=60), in_flight, sends, spread_seconds)


def with_sdk(url: str, in_flight: int, sends: int, spread_seconds: float, watch: Watch) -> list[float]:
    """Send with one client of the official SDK from many threads."""
    from alibabacloud_dingtalk.robot_1_0 import models
    from alibabacloud_dingtalk.robot_1_0.client import Client
    from alibabacloud_tea_openapi.models import Config
    from alibabacloud_tea_util.models import RuntimeOptions

    endpoint = url.removeprefix("http://")
    client = watch(Client(Config(endpoint=endpoint, protocol="http", region_id="central", max_idle_conns=in_flight)))
    request = models.BatchSendOTORequest(
        robot_code=MESSAGE["robotCode"],
        user_ids=MESSAGE["userIds"],
        msg_key=MESSAGE["msgKey"],
        msg_param=MESSAGE["msgParam"],
    )

    def send() -> Any:
        headers = models.BatchSendOTOHeaders(x_acs_dingtalk_access_token="token")
        return client.batch_send_otowith_options(request, headers, RuntimeOptions(read_timeout=60_000))

    return _in_threads(send, in_flight, sends, spread_seconds)


def with_httpx_async(url: str, in_flight: int, sends: int, spread_seconds: float, watch: Watch) -> list[float]:
    """Send with httpx.AsyncClients from many tasks."""

    async def work() -> list[float]:
        async with AsyncExitStack() as stack:
            clients = [
                watch(await stack.enter_async_context(httpx.AsyncClient(timeout=60)))
                for _ in range(0, in_flight, TASKS_PER_CLIENT)
            ]
            return await _in_tasks(
                lambda task: clients[task % len(clients)].post(url + PATH, json=MESSAGE),
                in_flight,
                sends,
                spread_seconds,
            )

    return asyncio.run(work())


def with_aiohttp(url: str, in_flight: int, sends: int, spread_seconds: float, watch: Watch) -> list[float]:
    """Send with one aiohttp.ClientSession from many tasks."""

    async def work() -> list[float]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:
            watch(session)

            async def send(_: int) -> None:
                async with session.post(url + PATH, json=MESSAGE) as answer:
                    await answer.json()

            return await _in_tasks(send, in_flight, sends, spread_seconds)

    return asyncio.run(work())


LOADS: dict[str, Load] = {
    "httpx": with_httpx,
    "httpx_async": with_httpx_async,
    "requests": with_requests,
    "aiohttp": with_aiohttp,
    "sdk": with_sdk,
}


def _in_threads(send: Callable[[], Any], in_flight: int, sends: int, spread_seconds: float) -> list[float]:
    times: list[float] = []

    def work(number: int) -> None:
        time.sleep(spread_seconds * number / in_flight)
        for _ in range(sends // in_flight):
            started = time.perf_counter()
            send()
            times.append(time.perf_counter() - started)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


async def _in_tasks(
    send: Callable[[int], Awaitable[Any]], in_flight: int, sends: int, spread_seconds: float
) -> list[float]:
    times: list[float] = []

    async def work(task: int) -> None:
        await asyncio.sleep(spread_seconds * task / in_flight)
        for _ in range(sends // in_flight):
            started = time.perf_counter()
            await send(task)
            times.append(time.perf_counter() - started)

    await asyncio.gather(*(work(task) for task in range(in_flight)))
    return times
