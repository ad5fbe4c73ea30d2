"""Real proxies over loopback: one of HTTP with CONNECT, one of SOCKS 5; they lead to one place, whatever is asked."""

import base64
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

Address = tuple[str, int]
WANTS_LOGIN = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


def page(title: str, status: str = "200 OK") -> bytes:
    """Return a web page as a proxy answers it in another's place."""
    body = f"<html><head><title>{title}</title></head></html>".encode()
    return f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Proxy:
    """A running proxy: where it listens, what it leads to, the login that it wants, and what was asked of it."""

    address: Address
    target: Address
    login: tuple[str, str] | None = None
    answers: bytes | None = None
    asked: list[str] = field(default_factory=list)

    def url(self, scheme: str, login: str = "") -> str:
        """Return its URL."""
        return f"{scheme}://{login and login + '@'}{self.address[0]}:{self.address[1]}"


@contextmanager
def tls_front(target: Address, host: str, folder: Path) -> Iterator[tuple[Address, Path]]:
    """Serve a target over TLS under a host's name; yield its address, and the file of the CA that vouches for it."""
    import trustme

    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(host).configure_cert(context)
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))

    def serve(front: Proxy, plain: socket.socket) -> None:
        with context.wrap_socket(plain, server_side=True) as connection:
            request = connection.recv(65536)
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536)
            with socket.create_connection(front.target) as there:
                there.sendall(request)
                _join(connection, there)

    with _listening(target, serve) as front:
        yield front.address, folder / "ca.pem"


@contextmanager
def _listening(target: Address, serve: Callable[[Proxy, socket.socket], None]) -> Iterator[Proxy]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(listener.getsockname()[:2], target)

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError, struct.error, ValueError):
                serve(proxy, connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)


def http_proxy(target: Address) -> AbstractContextManager[Proxy]:
    """Run a proxy of HTTP."""
    return _listening(target, _serve_http)


def socks_proxy(target: Address) -> AbstractContextManager[Proxy]:
    """Run a proxy of SOCKS 5."""
    return _listening(target, _serve_socks)


def _serve_http(proxy: Proxy, connection: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            return
        head += piece
    line, _, rest = head.partition(b"\r\n")
    method, url, _ = line.decode().split(" ")
    proxy.asked.append(f"{method} {url}")
    login = proxy.login and base64.b64encode(":".join(proxy.login).encode())
    if login and b"proxy-authorization: basic " + login.lower() not in head.lower():
        connection.sendall(WANTS_LOGIN)
        return
    if proxy.answers is not None:
        connection.sendall(proxy.answers)
        return
    with socket.create_connection(proxy.target) as there:
        if method == "CONNECT":
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = "/" + url.split("/", 3)[3]
            # One request a connection: what follows would be another absolute URL.
            there.sendall(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n".encode() + rest)
        _join(connection, there)


def _serve_socks(proxy: Proxy, connection: socket.socket) -> None:
    stream = connection.makefile("rb")
    _, count = stream.read(2)
    methods = stream.read(count)
    wanted = 2 if proxy.login else 0
    if wanted not in methods:
        connection.sendall(b"\x05\xff")
        return
    connection.sendall(bytes([5, wanted]))
    if proxy.login:
        stream.read(1)
        given = [stream.read(stream.read(1)[0]).decode() for _ in range(2)]
        is_known = tuple(given) == proxy.login
        connection.sendall(b"\x01\x00" if is_known else b"\x01\x01")
        if not is_known:
            return
    _, _, _, kind = stream.read(4)
    host = stream.read(stream.read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(stream.read(4))
    (port,) = struct.unpack("!H", stream.read(2))
    proxy.asked.append(f"{host}:{port}")
    with socket.create_connection(proxy.target) as there:
        connection.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        _join(connection, there)


def _join(one: socket.socket, other: socket.socket) -> None:
    while True:
        for ready in select.select([one, other], [], [], 10)[0]:
            piece = ready.recv(65536)
            if not piece:
                return
            (other if ready is one else one).sendall(piece)
