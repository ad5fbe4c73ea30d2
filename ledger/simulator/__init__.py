"""A pretend DingTalk: a state machine in memory, and a server that speaks its API over real HTTP.

It shares nothing with the client that it tests: what both have to agree on is the documentation at open.dingtalk.com.
"""

from .behaviour import BadKey, BanForm, Behaviour, FailedReason, ReadsAfterRecall, SecondRecall
from .exchange import TOKEN_HEADER, Cut, Reply, Request
from .journal import Call
from .messages import Chat, Message
from .scripts import ScriptedAnswer
from .server import Simulator, serve
from .world import World

__all__ = [
    "TOKEN_HEADER",
    "BadKey",
    "BanForm",
    "Behaviour",
    "Call",
    "Chat",
    "Cut",
    "FailedReason",
    "Message",
    "ReadsAfterRecall",
    "Reply",
    "Request",
    "ScriptedAnswer",
    "SecondRecall",
    "Simulator",
    "World",
    "serve",
]
