"""The proxies of this process's environment, read once; whatever could not be read is warned of once."""

import logging
import os
from functools import lru_cache

from ledger.core.proxies import Proxies, read

log = logging.getLogger(__name__)


def environment_proxies() -> Proxies:
    """Return the proxies of the environment as it is now."""
    named = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    if "REQUEST_METHOD" in os.environ:
        named["REQUEST_METHOD"] = ""
    return _read(tuple(sorted(named.items())))


@lru_cache(maxsize=8)
def _read(variables: tuple[tuple[str, str], ...]) -> Proxies:
    proxies = read(dict(variables))
    for sentence in proxies.left_out:
        log.warning("%s", sentence)
    return proxies
