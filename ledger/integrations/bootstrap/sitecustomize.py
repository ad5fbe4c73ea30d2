"""What Python loads first in a sender under `ledger run`: it waits for HTTP libraries, and hooks them when they come.

It has to do without a trace what any version of Python allows: this file keeps to old syntax, steps aside for the
`sitecustomize` that would have been loaded otherwise, and loads the rest of ours only when there is something to hook.
"""

import atexit
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # not loaded in every sender
    from collections.abc import Callable, Iterable
    from typing import Any

PACKAGE = "_dingtalk_ledger"  # not `ledger`: the sender may have a module of that name
VARIABLE = "DINGTALK_LEDGER_RUN"
SIGN_VARIABLE, HOSTS_VARIABLE = "DINGTALK_LEDGER_SIGN", "DINGTALK_LEDGER_HOSTS"
OLDEST = (3, 11)
LIBRARIES = HOOKED = ("httpx", "httpx2", "urllib3", "requests", "aiohttp")


# Libraries that talk to servers by themselves, and are not hooked; by the names of the modules that are at work then.
UNHOOKED = ("niquests", "urllib3_future", "tornado", "pycurl", "curl_cffi", "http.client")
# These resolve and connect in C, where nobody sees it.
IN_C = ("pycurl", "curl_cffi")
GONE = "the companion of `ledger run` is gone (killed?), and %s in the spool: a worker or the next `ledger campaigns` "


def say(text: str) -> None:
    """Write a line to stderr, if there is one."""
    try:
        sys.stderr.write("ledger: " + "".join(one if one.isprintable() else " " for one in text) + "\n")
    except Exception:  # the sender may have closed it
        return


def is_unlocked(descriptor: int) -> bool:
    """Tell whether the companion, which holds a lock as long as it lives, is gone; where nobody can say, it is not."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def step_aside() -> None:
    """Load the `sitecustomize` that this one hides, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  (pathlib is not loaded in every sender)
    sys.path[:] = [path for path in sys.path if not path or os.path.abspath(path) != here]  # noqa: PTH100
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # type: ignore[import-not-found]  # noqa: F401
    except ImportError as error:
        if getattr(error, "name", None) != "sitecustomize":
            raise
    finally:
        if ours is not None:
            sys.modules.setdefault("sitecustomize", ours)


class Sight:
    """Sees who talks to DingTalk, and whether a hook saw it too; leaves a sign of that for `ledger run`."""

    def __init__(self, path: "str | None", hosts: str) -> None:
        self._path, self._hosts = path, hosts.split()
        self._pending: dict[str, str] = {}
        self._told: set[str] = set()
        self._has_seen = False
        self._process, self._recorded, self._is_alone = 0, 0, False

    def note(self, word: str) -> None:
        """Leave a word; a file that is gone has nobody who reads it."""
        if word == "recorded":
            if self._process != os.getpid():
                self._process, self._recorded = os.getpid(), 0
            self._recorded += 1
        if not self._path:
            return
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(descriptor, (word + "\n").encode("utf-8", "replace"))
                if not self._is_alone and is_unlocked(descriptor):
                    self._is_alone = True
                    say(GONE % "what is sent waits" + "records it")
            finally:
                os.close(descriptor)
        except OSError:
            return

    def end_alone(self) -> None:
        """Say at the end of the process what it recorded, when the companion that would say it is gone."""
        if not self._path or self._process != os.getpid():
            return
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except OSError:
            return
        if is_unlocked(descriptor):
            sends = "its send may wait" if self._recorded == 1 else "up to %s sends wait" % self._recorded  # noqa: UP031
            say(GONE % sends + "records them")
        os.close(descriptor)

    def saw(self, url: str) -> None:
        """Take in that a hook saw a request."""
        if not self._has_seen and any(host in url for host in self._hosts):
            self._has_seen = True

    def hear(self, event: str, arguments: "Any") -> None:
        """Listen to what Python does: an audit hook must not raise."""
        if event != "socket.connect" and event != "socket.getaddrinfo":
            return
        try:
            address = arguments[1] if event == "socket.connect" else arguments
            if isinstance(address, tuple) and len(address) > 1 and self._is_theirs(address[0], address[1]):
                self._heard()
        except Exception:  # the sender's business goes on
            return

    def end(self) -> None:
        """Say at the end of the process what no hook saw."""
        self.end_alone()
        if not self._has_seen:
            for name in self._pending:
                self._tell(name)
        for name in IN_C:
            if name in sys.modules:
                self._tell(name + " (if it sends)")

    def _is_theirs(self, host: "Any", port: "Any") -> bool:
        if isinstance(host, bytes):
            host = host.decode("ascii", "replace")
        return host in self._hosts or "%s:%s" % (host, port) in self._hosts  # noqa: UP031

    def _heard(self) -> None:
        frame: Any = sys._getframe(2)
        names: list[str] = []
        while frame is not None:
            names.append(frame.f_globals.get("__name__") or "")
            frame = frame.f_back
        roots = {name.partition(".")[0] for name in names}
        if roots.isdisjoint(HOOKED):
            known = [name for name in UNHOOKED if name in names or name in roots]
            if known:
                self._tell(known[0])
            else:
                self._pending["something"] = ""
        elif roots & {"niquests", "urllib3_future"}:
            self._tell("niquests")
        else:
            self._pending[next(name for name in HOOKED if name in roots)] = ""

    def _tell(self, name: str) -> None:
        if name not in self._told:
            self._told.add(name)
            self.note("unseen " + name)


class Lookout:
    """A finder that finds nothing itself, and hooks libraries as soon as they have been loaded."""

    def __init__(self, libraries: "Iterable[str]", hook: "Callable[[Any], None]") -> None:
        self._libraries, self._hook = libraries, hook

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """Find a library as Python would, with our hook behind its loading; it may be looked for and not loaded."""
        if name not in self._libraries:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None and finder is not self else None
            if spec is not None:
                if spec.loader is not None:  # a folder without a package has none
                    self._extend(spec)
                return spec
        return None

    def _extend(self, spec: "Any") -> None:
        load = spec.loader.exec_module

        def exec_module(module: "Any") -> None:
            load(module)
            self._hook(module)

        spec.loader.exec_module = exec_module


SIGHT = Sight(os.environ.get(SIGN_VARIABLE), os.environ.get(HOSTS_VARIABLE, ""))


def hook(module: "Any") -> None:
    """Hook a library that has just been loaded; whatever goes wrong, the sender goes on without."""
    try:
        import importlib
        import types

        if PACKAGE not in sys.modules:
            package = types.ModuleType(PACKAGE)
            folder = os.path.abspath(__file__)  # noqa: PTH100
            for _ in range(3):
                folder = os.path.dirname(folder)  # noqa: PTH120
            package.__path__ = [folder]
            sys.modules[PACKAGE] = package
        importlib.import_module(PACKAGE + ".integrations.running").hook(module, os.environ[VARIABLE], SIGHT)
    except Exception as error:
        say("%s is not recorded (%s: %s)" % (module.__name__, type(error).__name__, error))  # noqa: UP031


def start() -> None:
    """Look out for libraries, if this is a sender under `ledger run`."""
    if VARIABLE not in os.environ:
        return
    if sys.version_info < OLDEST:
        say("this Python is too old to be recorded (3.11 or later can be): use `ledger gateway`")
        return
    SIGHT.note("loaded")
    if os.environ.get(HOSTS_VARIABLE):
        sys.addaudithook(SIGHT.hear)
        atexit.register(SIGHT.end)
    sys.meta_path.insert(0, Lookout(LIBRARIES, hook))
    for name in LIBRARIES:
        if name in sys.modules:
            hook(sys.modules[name])


try:
    start()
finally:
    step_aside()
