"""The exceptions of each library: which mean that a request never left, and that none was forgotten."""

import asyncio
from inspect import getmembers, isclass
from types import ModuleType

import aiohttp
import httpx
import httpx2
import pytest
import requests
import urllib3

from ledger.core import never_left
from ledger.integrations import endings

# Everything of each library that is no sign that a request never left. What a new version adds has to be put here, or
# among those that are.
MAY_HAVE_LEFT = {
    "httpx": {
        "CloseError", "CookieConflict", "DecodingError", "HTTPError", "HTTPStatusError", "InvalidURL",
        "LocalProtocolError", "NetworkError", "ProtocolError", "ReadError", "ReadTimeout", "RemoteProtocolError",
        "RequestError", "RequestNotRead", "ResponseNotRead", "StreamClosed", "StreamConsumed", "StreamError",
        "TimeoutException", "TooManyRedirects", "TransportError", "WriteError", "WriteTimeout",
    },
    "httpx2": {
        "CloseError", "CookieConflict", "DecodingError", "HTTPError", "HTTPStatusError", "InvalidURL",
        "LocalProtocolError", "NetworkError", "ProtocolError", "ReadError", "ReadTimeout", "RemoteProtocolError",
        "RequestError", "RequestNotRead", "ResponseNotRead", "SSEError", "StreamClosed", "StreamConsumed",
        "StreamError", "TimeoutException", "TooManyRedirects", "TransportError", "WriteError", "WriteTimeout",
    },
    "requests": {
        "ChunkedEncodingError", "ConnectionError", "ContentDecodingError", "FileModeWarning", "HTTPError",
        "InvalidJSONError", "JSONDecodeError", "ProxyError", "ReadTimeout", "RequestException", "RequestsWarning",
        "RequestsDependencyWarning", "RetryError", "SSLError", "StreamConsumedError", "Timeout", "TooManyRedirects",
        "URLRequired", "UnrewindableBodyError",
    },
    "urllib3": {
        "BodyNotHttplibCompatible", "DecodeError", "DependencyWarning", "FullPoolError", "HTTPError", "HTTPWarning",
        "HeaderParsingError", "HostChangedError", "IncompleteRead", "InsecurePlatformWarning",
        "InsecureRequestWarning", "InvalidChunkLength", "InvalidHeader", "MaxRetryError", "NotOpenSSLWarning",
        "PoolError", "ProtocolError", "ProxyError", "ProxySchemeUnsupported", "ReadTimeoutError",
        "RequestError", "ResponseError", "ResponseNotChunked", "SSLError", "SecurityWarning", "SystemTimeWarning",
        "TimeoutError", "TimeoutStateError", "UnrewindableBodyError",
    },
    "aiohttp": {
        "ClientConnectionError", "ClientConnectionResetError", "ClientError", "ClientOSError", "ClientPayloadError",
        "ClientResponseError", "ContentTypeError", "RedirectClientError", "ServerConnectionError",
        "ServerDisconnectedError", "ServerTimeoutError", "SocketTimeoutError", "TooManyRedirects",
        "UploadAbortedError", "WSMessageTypeError", "WSServerHandshakeError",
    },
}  # fmt: skip
MODULES: dict[str, ModuleType] = {
    "httpx": httpx,
    "httpx2": httpx2,
    "requests": requests.exceptions,
    "urllib3": urllib3.exceptions,
    "aiohttp": aiohttp.client_exceptions,
}


@pytest.mark.parametrize("library", MODULES)
def test_every_exception_of_a_library_was_thought_of(library: str) -> None:
    own = {
        name: kind
        for name, kind in getmembers(MODULES[library], isclass)
        if issubclass(kind, Exception) and never_left.name_of(kind) == f"{library}.{name}"
    }
    signs = {
        name for name, kind in own.items() if never_left.NEVER_LEFT & {never_left.name_of(one) for one in kind.__mro__}
    }
    assert set(own) - signs == MAY_HAVE_LEFT[library] & set(own)
    assert {name.partition(".")[2] for name in never_left.NEVER_LEFT if name.startswith(f"{library}.")} <= set(own)


def test_why_there_is_no_answer_never_repeats_the_text_of_an_exception() -> None:
    assert endings.why(httpx.ReadTimeout("https://user:secret@proxy")) == "no answer: httpx.ReadTimeout"
    assert endings.why(asyncio.CancelledError()) == "no answer: asyncio.CancelledError"


def test_a_chain_that_bites_its_own_tail_ends() -> None:
    error = requests.exceptions.ConnectionError()
    error.args = (error,)
    assert not never_left.never_left(error)
