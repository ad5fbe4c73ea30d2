"""The URL of the database as people write it: put right where it is clear what is meant, refused in a sentence if not.

Without SQLAlchemy, which whoever only reads settings can do without. No sentence repeats a part of a URL that is
refused: who knows which part of it is the password.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, quote, unquote

AS_IN = "write sqlite:////path/to/ledger.sqlite or postgresql://user:password@host/name"
ESCAPES = "in a user or password, write %40 for @, %3A for :, %2F for /, %3F for ?, %23 for #, %25 for %"
POSTGRESQL_PORT = 5432
_URL = re.compile(
    r"(?P<scheme>[\w+.-]+)://(?:(?P<user>[^:/]*)(?::(?P<password>[^@]*))?@)?"
    r"(?:\[(?P<address>[^/\]]*)\]|(?P<host>[^/:?]*))?(?::(?P<port>[^/?]*))?(?:/(?P<path>[^?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_SCHEMES = {
    **dict.fromkeys(("sqlite", "sqlite+pysqlite"), "sqlite"),
    **dict.fromkeys(("postgresql", "postgres", "postgresql+psycopg", "postgres+psycopg"), "postgresql"),
}
_PASSWORDS = {"password", "sslpassword"}
_SQLITE_PARAMETERS = {"timeout", "check_same_thread", "cached_statements", "detect_types"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUrl:
    """A database, read from its URL; `path` is the file of SQLite, or the name at a server."""

    text: str = field(repr=False)
    is_sqlite: bool
    path: str
    host: str = ""
    port: int = POSTGRESQL_PORT

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a URL; raise ValueError with what is wrong and what to write."""
        text = text.strip()
        found = _URL.fullmatch(text)
        if found is None or not text.isprintable():
            raise ValueError(f"this is no URL of a database: {AS_IN}")
        backend, _, driver = found["scheme"].lower().partition("+")
        scheme = _SCHEMES.get(found["scheme"].lower())
        if scheme is None:
            raise ValueError(_other(backend, driver))
        query = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
        if scheme == "sqlite":
            return cls(text=_of_file(found, query), is_sqlite=True, path=_file_of(found))
        port = _port(found["port"] or query.get("port") or "")
        if text.count("@") > (found["user"] is not None):
            raise ValueError(f"it has an @ too many: {ESCAPES}")
        host = (found["address"] or found["host"] or query.get("host", "")).lower()
        rest = text[len(found["scheme"]) :]
        return cls(text=f"postgresql{rest}", is_sqlite=False, path=found["path"] or "", host=host, port=port)

    @property
    def place(self) -> str:
        """Where the database is, whoever connects to it and how."""
        return str(Path(self.path).absolute()) if self.is_sqlite else f"{self.host}:{self.port}/{self.path}"


def url_of_file(path: Path) -> str:
    """Return the URL of an SQLite file, whatever characters its name has."""
    return f"sqlite:///{quote(str(path))}"


def without_password(text: str) -> str:
    """Return a URL without what opens the database: a password before its host, or among what follows the `?`.

    Of one that cannot be read nothing is left: who knows which part of it is the password.
    """
    found = _URL.fullmatch(text.strip())
    if found is not None and found["scheme"].lower().startswith("sqlite"):
        return text
    if found is None or text.count("@") > (found["user"] is not None):
        return ""
    whole = found.string
    kept = [pair for pair in (found["query"] or "").split("&") if unquote(pair.partition("=")[0]) not in _PASSWORDS]
    if found["query"] is not None:
        whole = whole[: found.start("query")].removesuffix("?") + ("?" + "&".join(kept) if any(kept) else "")
    if found["password"] is not None:
        whole = whole[: found.start("password") - 1] + whole[found.end("password") :]
    return whole


def with_home(path: str) -> str:
    """Return a path with the user's home in place of `~`; raise ValueError when nobody knows it."""
    try:
        return str(Path(path).expanduser())
    except RuntimeError:
        raise ValueError("nobody knows the home folder that ~ stands for: write the whole path") from None


def _file_of(found: re.Match[str]) -> str:
    # As SQLAlchemy reads it.
    path = unquote(found["path"] or "")
    if found["host"] or found["address"] or found["user"] or found["port"]:
        raise ValueError("a path has three slashes before it: write sqlite:////path/to/ledger.sqlite")
    if path in ("", ":memory:") or path.endswith("/"):
        raise ValueError("it names no file: write sqlite:////path/to/ledger.sqlite")
    if "\x00" in path:
        raise ValueError("the name of a file has no NUL")
    path = with_home(path)
    try:
        Path(path).absolute()
    except OSError:
        raise ValueError(
            "its file is in the folder that this was started in, which is gone: write the whole path, as in "
            "sqlite:////path/to/ledger.sqlite"
        ) from None
    return path


def _of_file(found: re.Match[str], query: dict[str, str]) -> str:
    if not query.keys() <= _SQLITE_PARAMETERS or (found["query"] is not None and not query):
        raise ValueError("what follows the ? is nothing that SQLite knows; in the name of a file, write %3F for ?")
    rest = f"?{found['query']}" if found["query"] else ""
    return url_of_file(Path(_file_of(found))) + rest


def _port(text: str) -> int:
    if not text:
        return POSTGRESQL_PORT
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"it has no port that can be: {AS_IN}; {ESCAPES}. Several servers go into ?host=")
    return int(text)


def _other(backend: str, driver: str) -> str:
    if backend in ("postgresql", "postgres") and driver:
        return "the ledger speaks to PostgreSQL through psycopg alone: write postgresql://, without another driver"
    if backend == "sqlite" and driver:
        return "the ledger opens SQLite by itself: write sqlite://, without another driver"
    return f"the ledger runs on sqlite and postgresql: {AS_IN}"
