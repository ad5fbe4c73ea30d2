"""Who and what gets through: paths of the API, and senders who know the key when there is one."""

import hmac
from urllib.parse import unquote

from pydantic import SecretStr
from starlette.types import Scope

from ledger.entrypoints.gateway.answers import ABOUT, Reply, problem
from ledger.entrypoints.gateway.headers import KEY, value_of

PREFIX = "/v1.0/"
_OF_PROXIES = ("CONNECT", "TRACE")


class Admission:
    """Stands before everything that is forwarded."""

    def __init__(self, key: SecretStr | None) -> None:
        self._key = key.get_secret_value().encode() if key is not None else None

    def refusal(self, scope: Scope, raw_path: str) -> Reply | None:
        """Return why a request goes nowhere, if so."""
        if scope["method"] in _OF_PROXIES:
            return problem(405, "method", f"{scope['method']} is for proxies, and this is none: {ABOUT}")
        if not raw_path.startswith(PREFIX) or not _is_plain(raw_path):
            return problem(404, "path", ABOUT)
        if self._key is not None and not hmac.compare_digest(value_of(scope["headers"], KEY) or b"", self._key):
            return problem(401, "key", "the header x-ledger-gateway-key has to hold the gateway's LEDGER_GATEWAY_KEY")
        return None


def _is_plain(raw_path: str) -> bool:
    """Say whether a path means to every server what it means here: no steps up, no empty or doubled parts."""
    path = unquote(raw_path, "latin-1")
    parts = path.split("/")[1:]
    return "\\" not in path and not any(part in (".", "..") for part in parts) and "" not in parts[:-1]
