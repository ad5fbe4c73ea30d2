"""Which path and method leads to which handler; paths are compared letter by letter, as the gateway does."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from . import authorising, cards, reading, recalling, sending
from .behaviour import Behaviour
from .desk import Ask
from .tokens import TokenDesk

TOKEN_ROUTES: Mapping[tuple[str, str], Callable[[TokenDesk, Mapping[str, Any], datetime, Behaviour], dict[str, Any]]]
TOKEN_ROUTES = MappingProxyType(
    {
        ("POST", "/v1.0/oauth2/accessToken"): authorising.internal_token,
        ("POST", "/v1.0/oauth2/corpAccessToken"): authorising.corporate_token,
    }
)

ROUTES: Mapping[tuple[str, str], Callable[[Ask], dict[str, Any]]] = MappingProxyType(
    {
        ("POST", "/v1.0/robot/oToMessages/batchSend"): sending.send_one_on_one,
        ("POST", "/v1.0/robot/groupMessages/send"): sending.send_to_group,
        ("POST", "/v1.0/robot/privateChatMessages/send"): sending.send_private,
        ("POST", "/v1.0/card/instances/createAndDeliver"): cards.create_and_deliver,
        ("POST", "/v1.0/card/instances/deliver"): cards.deliver,
        ("POST", "/v1.0/im/interactiveCards/send"): cards.send_interactive,
        ("POST", "/v1.0/im/privateChat/interactiveCards/send"): cards.send_interactive_to_private_chat,
        ("POST", "/v1.0/im/interactiveCards/templates/send"): cards.send_interactive_by_template,
        ("POST", "/v1.0/im/v1.0/robot/interactiveCards/send"): cards.send_interactive_of_robot,
        ("PUT", "/v1.0/im/robots/interactiveCards"): cards.update_interactive_of_robot,
        # The lower-case t is DingTalk's own.
        ("POST", "/v1.0/robot/otoMessages/batchRecall"): recalling.recall_one_on_one,
        ("POST", "/v1.0/robot/groupMessages/recall"): recalling.recall_in_group,
        ("POST", "/v1.0/robot/privateChatMessages/batchRecall"): recalling.recall_private,
        ("GET", "/v1.0/robot/oToMessages/readStatus"): reading.read_status,
        ("POST", "/v1.0/robot/groupMessages/query"): reading.readers_in_group,
        ("POST", "/v1.0/robot/privateChatMessages/query"): reading.readers_in_private,
    }
)
