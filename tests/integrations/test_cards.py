"""Cards and sends without a key, through watched clients: each key is recalled, and the others are counted."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

from ledger import Ledger
from ledger.core.recording.message import UNKNOWN
from ledger.simulator import TOKEN_HEADER, Simulator
from tests.integrations.senders import Letter
from tests.integrations.test_clients import on_one_database

CARD: dict[str, Any] = {
    "outTrackId": "card-1",
    "cardTemplateId": "template-1",
    "cardData": {"cardParamMap": {"title": "hello"}},
    "openSpaceId": "dtv1.card//IM_GROUP.cid-1;IM_ROBOT.ann;IM_SINGLE.cid-2;ONE_BOX.cid-1",
    "imGroupOpenDeliverModel": {"robotCode": "dingapp"},
    "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT"},
}
CREATE = "/v1.0/card/instances/createAndDeliver"

Post = Callable[[Ledger, str, dict[str, Any], dict[str, str]], Any]


def by_httpx(book: Ledger, url: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    """Post with httpx."""
    with book.watch(httpx.Client()) as client:
        return client.post(url, json=body, headers=headers).json()


def by_requests(book: Ledger, url: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    """Post with requests."""
    with book.watch(requests.Session()) as session:
        return session.post(url, json=body, headers=headers, timeout=10).json()


def by_urllib3(book: Ledger, url: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    """Post with urllib3."""
    with book.watch(urllib3.PoolManager()) as pool:
        return pool.request("POST", url, json=body, headers=headers).json()


def by_aiohttp(book: Ledger, url: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    """Post with aiohttp."""

    async def post() -> Any:
        async with aiohttp.ClientSession() as session:
            book.watch(session)
            async with session.post(url, json=body, headers=headers) as answer:
                return await answer.json()

    return asyncio.run(post())


def by_sdk(_book: Ledger, url: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    """Post with the official SDK's client for cards."""
    from alibabacloud_dingtalk.card_1_0 import models
    from alibabacloud_dingtalk.card_1_0.client import Client
    from alibabacloud_tea_openapi.models import Config
    from alibabacloud_tea_util.models import RuntimeOptions

    host = url.removeprefix("http://").partition("/")[0]
    client = _book.watch(Client(Config(endpoint=host, protocol="http", region_id="central")))
    request = models.CreateAndDeliverRequest().from_map(body)
    given = models.CreateAndDeliverHeaders(x_acs_dingtalk_access_token=headers[TOKEN_HEADER])
    return client.create_and_deliver_with_options(request, given, RuntimeOptions()).body.to_map()


@on_one_database
@pytest.mark.parametrize("post", [by_httpx, by_requests, by_urllib3, by_aiohttp, by_sdk])
@pytest.mark.parametrize("is_nested", [True, False])
def test_a_card_is_recalled_from_each_chat_and_the_rest_is_counted(
    book: Ledger, simulator: Simulator, letter: Letter, post: Post, is_nested: bool
) -> None:
    if post is by_sdk and not is_nested:
        pytest.skip("the SDK knows one of the two answers")
    simulator.world.change(card_results_are_nested=is_nested)
    with book.campaign("spring"):
        answer = post(book, simulator.url + CREATE, CARD, {TOKEN_HEADER: letter.token})
    assert answer["success"] is True
    plan = book.plan(campaign="spring", reason="wrong link")
    assert (plan.eligible, plan.calls) == (3, 3)
    assert book.run(plan).recalled == 3
    assert all(message.recalled_at for message in simulator.world.messages())
    (line,) = book.campaigns()
    assert (line.keyless, line.recipients_unknown) == (0, 0)
    assert [(sends.kind, sends.sends) for sends in line.unrecallable] == [("card", 1)]


@on_one_database
def test_a_card_whose_robot_is_not_named_is_recalled_with_that_of_the_app(
    book: Ledger, simulator: Simulator, letter: Letter
) -> None:
    card = {**CARD, "openSpaceId": "dtv1.card//IM_ROBOT.ann", "imGroupOpenDeliverModel": None}
    by_httpx(book, simulator.url + CREATE, card, {TOKEN_HEADER: letter.token})
    plan = book.plan(users=["ann"], reason="x")
    assert plan.robots == {UNKNOWN: 1}
    assert book.run(plan).recalled == 1


@on_one_database
def test_a_space_that_failed_is_not_recalled(book: Ledger, simulator: Simulator, letter: Letter) -> None:
    simulator.world.change(failed_spaces=["ann"])
    by_httpx(book, simulator.url + CREATE, CARD, {TOKEN_HEADER: letter.token})
    assert book.plan(robot="dingapp", reason="x").eligible == 2


OLD = {"outTrackId": "x", "cardBizId": "x", "robotCode": "dingapp"}


@on_one_database
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1.0/im/interactiveCards/send", {"conversationType": 0, "receiverUserIdList": ["ann"]}),
        ("/v1.0/im/interactiveCards/send", {"conversationType": 1, "openConversationId": "cid-1"}),
        ("/v1.0/im/v1.0/robot/interactiveCards/send", {"singleChatReceiver": '{"userId":"ann"}'}),
        ("/v1.0/im/v1.0/robot/interactiveCards/send", {"openConversationId": "cid-1"}),
        ("/v1.0/im/interactiveCards/templates/send", {"singleChatReceiver": '{"userId":"ann"}'}),
        ("/v1.0/im/interactiveCards/templates/send", {"openConversationId": "cid-1"}),
        ("/v1.0/im/privateChat/interactiveCards/send", {"openConversationId": "cid-1"}),
        ("/v1.0/card/instances/deliver", {"openSpaceId": "dtv1.card//IM_SINGLE.cid-1"}),
    ],
)
def test_an_older_card_is_recalled(
    book: Ledger, simulator: Simulator, letter: Letter, path: str, body: dict[str, Any]
) -> None:
    with book.campaign("spring"):
        by_requests(book, simulator.url + path, OLD | body, {TOKEN_HEADER: letter.token})
    assert book.run(book.plan(campaign="spring", reason="x")).recalled == 1


@on_one_database
def test_a_card_that_is_changed_afterwards_is_there_once_and_recalled_by_the_key_of_its_send(
    book: Ledger, simulator: Simulator, letter: Letter
) -> None:
    given, path = {TOKEN_HEADER: letter.token}, simulator.url + "/v1.0/im/robots/interactiveCards"
    body = {**OLD, "openConversationId": "cid-1"}
    changed = {"cardBizId": "x", "cardData": '{"contents": []}'}

    async def by_aiohttp() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            book.watch(session).put(path, json=changed, headers=given) as one,
        ):
            return await one.json()

    with book.campaign("spring"), book.watch(httpx.Client()) as client, book.watch(requests.Session()) as session:
        client.post(simulator.url + "/v1.0/im/v1.0/robot/interactiveCards/send", json=body, headers=given)
        answers = [
            client.put(path, json=changed, headers=given).json(),
            session.put(path, json=changed, headers=given, timeout=10).json(),
            asyncio.run(by_aiohttp()),
        ]
    assert all(answer["processQueryKey"] for answer in answers)
    (line,) = book.campaigns()
    assert (line.campaign, line.messages, line.keyless, line.unrecallable) == ("spring", 1, 0, ())
    assert book.run(book.plan(campaign="spring", reason="x")).recalled == 1


def test_what_has_no_key_is_counted_by_campaign_with_the_reason(book: Ledger, simulator: Simulator) -> None:
    text = {"msgtype": "text", "text": {"content": "hello"}}
    with book.campaign("spring"):
        for _ in range(2):
            by_httpx(book, simulator.url + "/robot/send?access_token=x", text, {})
        by_requests(book, simulator.url + "/robot/sendBySession?session=x", text, {})
        work = {"agent_id": 1, "userid_list": "ann,bob", "msg": text}
        by_aiohttp(book, simulator.url + "/topapi/message/corpconversation/asyncsend_v2?access_token=x", work, {})
        by_httpx(book, simulator.url + "/robot/send?access_token=x", {}, {})
    (line,) = book.campaigns()
    assert (line.campaign, line.messages, line.keyless) == ("spring", 0, 0)
    counted = {sends.kind.value: sends.sends for sends in line.unrecallable}
    assert counted == {"webhook": 2, "session_webhook": 1, "work_notification": 1}
    assert "returns no key" in line.to_json()["unrecallable"][0]["reason"]
