"""Which requests are sends: one rule for hooks, the gateway and imported pairs, whatever stands before the path.

Sources: open.dingtalk.com, "send one-on-one bot messages in batches", "send group messages by bot", "send messages in
person-to-person chats by bot", "create and deliver cards", "deliver cards", the closed interfaces for interactive cards
and the official SDK's of them, "update the robot to send interactive cards", "custom robots send group messages",
"asynchronous sending of enterprise session messages".

Doors inside other people's programs load this file: only the standard library is sure to be there.
"""

from urllib.parse import parse_qs, unquote, urlsplit

from .message import Chat, Keyless

SEND_PATHS = {
    "/v1.0/robot/oToMessages/batchSend": Chat.ONE_TO_ONE,
    "/v1.0/robot/groupMessages/send": Chat.GROUP,
    "/v1.0/robot/privateChatMessages/send": Chat.PRIVATE,
}
CREATE_AND_DELIVER = "/v1.0/card/instances/createAndDeliver"
# Cards that go to any number of spaces, each with a `carrierId` of its own.
DELIVERY_PATHS = frozenset({CREATE_AND_DELIVER, "/v1.0/card/instances/deliver"})
# Cards that go to one chat, each with its kind of chat; None where only the request tells.
INTERACTIVE_PATHS = {
    "/v1.0/im/interactiveCards/send": None,
    "/v1.0/im/interactiveCards/templates/send": None,
    "/v1.0/im/privateChat/interactiveCards/send": Chat.PRIVATE,
    "/v1.0/im/v1.0/robot/interactiveCards/send": None,
}
# What changes a card that is out is no send: nothing new reaches anybody, and the key of its send takes it back. One of
# these answers with a key, too, but names neither robot nor chat: recorded, the card would be there once more with
# each change, which assistants that write as they think make every second, and nobody could recall it by that.
CARD_UPDATE_PATHS = frozenset(
    {
        "/v1.0/im/robots/interactiveCards",
        "/v1.0/im/interactiveCards",
        "/v1.0/card/instances",
        "/v1.0/card/streaming",
    }
)
# Sends that give no key, each with what has to be in the query for it to be one.
KEYLESS_PATHS = {
    "/robot/send": (Keyless.WEBHOOK, "access_token"),
    "/robot/sendBySession": (Keyless.SESSION_WEBHOOK, "session"),
    "/topapi/message/corpconversation/asyncsend_v2": (Keyless.WORK_NOTIFICATION, "access_token"),
    "/topapi/message/corpconversation/sendbytemplate": (Keyless.WORK_NOTIFICATION, "access_token"),
    "/topapi/im/chat/scencegroup/message/send_v2": (Keyless.SCENE_GROUP, "access_token"),
}
PATHS = frozenset((*SEND_PATHS, *DELIVERY_PATHS, *INTERACTIVE_PATHS, *KEYLESS_PATHS))
_BY_LOWER_CASE = {path.lower(): path for path in PATHS}


def send_path(method: str, url: str) -> str | None:
    """Return the documented path of a send, whatever its host; None when the request is no send.

    It may stand below another path, as behind a proxy, in any case, with doubled slashes and one at its end.
    """
    if method.upper() != "POST":
        return None
    try:
        # A path alone may begin with two slashes, which is no host.
        path, query = url.partition("?")[::2] if url.startswith("/") else (parts := urlsplit(url))[2:3] + parts[3:4]
    except ValueError:  # no address at all, such as http://[
        return None
    plain = "/" + "/".join(part for part in unquote(path.partition("#")[0]).lower().split("/") if part)
    found = next((known for lower, known in _BY_LOWER_CASE.items() if plain.endswith(lower)), None)
    if found in KEYLESS_PATHS and not parse_qs(query).get(KEYLESS_PATHS[found][1]):
        return None
    return found


def updates_card(method: str, path: str) -> bool:
    """Say whether a request changes a card that is out already."""
    return method == "PUT" and path in CARD_UPDATE_PATHS


def path_of(chat: Chat) -> str:
    """Return the path that sends robot messages to a kind of chat."""
    return next(path for path, kind in SEND_PATHS.items() if kind is chat)
