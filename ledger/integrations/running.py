"""Inside a sender under `ledger run`: one feed for the whole process, and every library that is loaded hooked to it."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from . import clients
from .feed import Feed
from .following import Watching

VARIABLE = "DINGTALK_LEDGER_RUN"


def described(spool: Sequence[Path], campaign: str | None, source: str | None) -> str:
    """Write what a sender has to know as the value of the environment variable that tells it.

    `spool` are the folders in which it may write, in order.
    """
    return json.dumps({"spool": [str(folder) for folder in spool], "campaign": campaign, "source": source})


def hook(library: Any, detail: str) -> None:
    """Follow the sends of all clients of a library, into the spool that the environment tells of."""
    clients.LIBRARIES[library.__name__](library, Watching(sink=_feed(detail)))


@cache
def _feed(detail: str) -> Feed:
    message = json.loads(detail)
    return Feed([Path(folder) for folder in message["spool"]], message["campaign"], message["source"])
