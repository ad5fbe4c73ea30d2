"""Sends that give no key: webhooks and work notifications, which live at another host and know no token header.

Source: the pages "custom robots send group messages" and "asynchronous sending of enterprise session messages" at
open.dingtalk.com.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from .exchange import Request

DONE: Mapping[str, Any] = MappingProxyType({"errcode": 0, "errmsg": "ok"})


def of_a_group(request: Request, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Send to a group by its webhook."""
    if not request.query.get("access_token"):
        return {"errcode": 300005, "errmsg": "token is not exist"}
    return dict(DONE) if fields.get("msgtype") else {"errcode": 400101, "errmsg": "msgtype is null"}


def of_a_session(request: Request, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Answer somebody by the webhook that came with their words."""
    if not request.query.get("session"):
        return {"errcode": 300001, "errmsg": "session is not exist"}
    return dict(DONE) if fields.get("msgtype") else {"errcode": 400101, "errmsg": "msgtype is null"}


def work_notification(request: Request, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Send a work notification; its number is no key."""
    if not request.query.get("access_token"):
        return {"errcode": 40014, "errmsg": "invalid access_token"}
    if not fields.get("agent_id") or not (fields.get("userid_list") or fields.get("to_all_user")):
        return {"errcode": 40035, "errmsg": "parameter is illegal"}
    return {**DONE, "task_id": 256271667526, "request_id": "4jzllmte0wau"}


KEYLESS_ROUTES: Mapping[tuple[str, str], Callable[[Request, Mapping[str, Any]], dict[str, Any]]] = MappingProxyType(
    {
        ("POST", "/robot/send"): of_a_group,
        ("POST", "/robot/sendBySession"): of_a_session,
        ("POST", "/topapi/message/corpconversation/asyncsend_v2"): work_notification,
    }
)
