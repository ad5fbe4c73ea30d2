"""The recall ledger: record what DingTalk bots sent, recall it within its 24 hours, and prove what was done.

Importing this package opens nothing and loads nothing heavy: `Ledger` is loaded when it is first asked for.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.app import Ledger as Ledger
    from ledger.settings import Settings as Settings

__all__ = ["Ledger", "Settings"]


def __getattr__(name: str) -> object:
    if name == "Ledger":
        if sys.platform == "win32":
            from ledger.__main__ import WINDOWS

            raise ImportError(WINDOWS.removeprefix("error: ").strip())
        from ledger.app import Ledger

        return Ledger
    if name == "Settings":
        from ledger.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
