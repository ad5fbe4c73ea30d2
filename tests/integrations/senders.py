"""Senders as people write them, one for each way that can be watched: a call, and what became of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx
import httpx2
import requests
import urllib3

from ledger.core.recording.capture import SEND_PATHS
from ledger.core.recording.message import Chat
from ledger.simulator import TOKEN_HEADER

ROBOT = "robot-1"
CONTENT = {"robotCode": ROBOT, "msgKey": "sampleText", "msgParam": '{"content": "hello"}'}
PATIENCE_SECONDS = 5.0

Watch = Callable[[Any], Any]


def unwatched(client: Any) -> Any:
    """Leave a client as it is."""
    return client


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One send call."""

    url: str
    token: str = ""
    chat: Chat = Chat.ONE_TO_ONE
    users: tuple[str, ...] = ("ann",)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = PATIENCE_SECONDS
    robot: str = ROBOT

    @property
    def address(self) -> str:
        """Where it goes."""
        path = next(path for path, chat in SEND_PATHS.items() if chat is self.chat)
        return self.url + path

    @property
    def body(self) -> dict[str, Any]:
        """What it says."""
        to = {"userIds": list(self.users)} if self.chat is Chat.ONE_TO_ONE else {"openConversationId": "cid-1"}
        return {**CONTENT, "robotCode": self.robot, **to}

    @property
    def all_headers(self) -> dict[str, str]:
        """What goes along."""
        return {TOKEN_HEADER: self.token, **self.headers}


def with_httpx(watch: Watch, letter: Letter) -> Any:
    """Send with an httpx.Client."""
    with httpx.Client(timeout=letter.timeout_seconds) as client:
        watch(client)
        answer = client.post(letter.address, json=letter.body, headers=letter.all_headers)
        return answer.raise_for_status().json()


def with_httpx_async(watch: Watch, letter: Letter) -> Any:
    """Send with an httpx.AsyncClient."""
    return asyncio.run(httpx_async(watch, letter))


async def httpx_async(watch: Watch, letter: Letter) -> Any:
    """Send with an httpx.AsyncClient, inside a task."""
    async with httpx.AsyncClient(timeout=letter.timeout_seconds) as client:
        watch(client)
        answer = await client.post(letter.address, json=letter.body, headers=letter.all_headers)
        return answer.raise_for_status().json()


def with_httpx2(watch: Watch, letter: Letter) -> Any:
    """Send with a client of httpx2."""
    with httpx2.Client(timeout=letter.timeout_seconds) as client:
        watch(client)
        answer = client.post(letter.address, json=letter.body, headers=letter.all_headers)
        return answer.raise_for_status().json()


def with_httpx2_async(watch: Watch, letter: Letter) -> Any:
    """Send with an async client of httpx2."""
    return asyncio.run(httpx2_async(watch, letter))


async def httpx2_async(watch: Watch, letter: Letter) -> Any:
    """Send with an async client of httpx2, inside a task."""
    async with httpx2.AsyncClient(timeout=letter.timeout_seconds) as client:
        watch(client)
        answer = await client.post(letter.address, json=letter.body, headers=letter.all_headers)
        return answer.raise_for_status().json()


def with_urllib3(watch: Watch, letter: Letter) -> Any:
    """Send with a pool manager of urllib3."""
    with urllib3.PoolManager(retries=False, timeout=letter.timeout_seconds) as pool:
        watch(pool)
        answer = pool.request("POST", letter.address, json=letter.body, headers=letter.all_headers)
        if answer.status >= 400:
            raise OSError(f"the answer is {answer.status}")
        return answer.json()


def with_requests(watch: Watch, letter: Letter) -> Any:
    """Send with a requests.Session."""
    with requests.Session() as session:
        watch(session)
        answer = session.post(
            letter.address, json=letter.body, headers=letter.all_headers, timeout=letter.timeout_seconds
        )
        answer.raise_for_status()
        return answer.json()


def with_aiohttp(watch: Watch, letter: Letter) -> Any:
    """Send with an aiohttp.ClientSession."""
    return asyncio.run(aiohttp_async(watch, letter))


async def aiohttp_async(watch: Watch, letter: Letter) -> Any:
    """Send with an aiohttp.ClientSession, inside a task."""
    timeout = aiohttp.ClientTimeout(sock_connect=letter.timeout_seconds, sock_read=letter.timeout_seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        watch(session)
        async with session.post(letter.address, json=letter.body, headers=letter.all_headers) as answer:
            answer.raise_for_status()
            return await answer.json()


def with_sdk(watch: Watch, letter: Letter) -> Any:
    """Send with a client of the official SDK."""
    client, call = _sdk(letter, "")
    watch(client)
    return call(client).body.to_map()


def with_sdk_async(watch: Watch, letter: Letter) -> Any:
    """Send with the async methods of a client of the official SDK."""
    return asyncio.run(sdk_async(watch, letter))


async def sdk_async(watch: Watch, letter: Letter) -> Any:
    """Send with the async methods of a client of the official SDK, inside a task."""
    client, call = _sdk(letter, "_async")
    watch(client)
    return (await call(client)).body.to_map()


def _sdk(letter: Letter, ending: str) -> tuple[Any, Callable[[Any], Any]]:
    from alibabacloud_dingtalk.robot_1_0 import models
    from alibabacloud_dingtalk.robot_1_0.client import Client
    from alibabacloud_tea_openapi.models import Config
    from alibabacloud_tea_util.models import RuntimeOptions

    to: dict[str, Any] = {"open_conversation_id": "cid-1"}
    if letter.chat is Chat.ONE_TO_ONE:
        kind, method, to = "BatchSendOTO", "batch_send_otowith_options", {"user_ids": list(letter.users)}
    elif letter.chat is Chat.GROUP:
        kind, method = "OrgGroupSend", "org_group_send_with_options"
    else:
        kind, method = "PrivateChatSend", "private_chat_send_with_options"
    request = getattr(models, f"{kind}Request")(
        robot_code=letter.robot, msg_key=CONTENT["msgKey"], msg_param=CONTENT["msgParam"], **to
    )
    headers = getattr(models, f"{kind}Headers")(
        x_acs_dingtalk_access_token=letter.token, common_headers=dict(letter.headers)
    )
    milliseconds = int(letter.timeout_seconds * 1000)
    runtime = RuntimeOptions(connect_timeout=milliseconds, read_timeout=milliseconds)
    config = Config(endpoint=letter.url.removeprefix("http://"), protocol="http", region_id="central")
    return Client(config), lambda client: getattr(client, method + ending)(request, headers, runtime)


Send = Callable[[Watch, Letter], Any]
SendAsync = Callable[[Watch, Letter], Awaitable[Any]]
SENDERS: dict[str, Send] = {
    "httpx": with_httpx,
    "httpx-async": with_httpx_async,
    "httpx2": with_httpx2,
    "httpx2-async": with_httpx2_async,
    "urllib3": with_urllib3,
    "requests": with_requests,
    "aiohttp": with_aiohttp,
    "sdk": with_sdk,
    "sdk-async": with_sdk_async,
}
IN_TASKS: dict[str, SendAsync] = {
    "httpx": httpx_async,
    "httpx2": httpx2_async,
    "aiohttp": aiohttp_async,
    "sdk": sdk_async,
}
