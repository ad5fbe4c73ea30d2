"""What Python loads first in a sender under `ledger run`: it waits for HTTP libraries, and hooks them when they come.

It has to do without a trace what any version of Python allows: this file keeps to old syntax, steps aside for the
`sitecustomize` that would have been loaded otherwise, and loads the rest of ours only when there is something to hook.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # not loaded in every sender
    from collections.abc import Callable, Iterable
    from typing import Any

PACKAGE = "_dingtalk_ledger"  # not `ledger`: the sender may have a module of that name
VARIABLE = "DINGTALK_LEDGER_RUN"
OLDEST = (3, 11)
LIBRARIES = ("httpx", "httpx2", "urllib3", "requests", "aiohttp")


def say(text: str) -> None:
    """Write a line to stderr, if there is one."""
    try:
        sys.stderr.write("ledger: " + text + "\n")
    except Exception:  # the sender may have closed it
        return


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
        importlib.import_module(PACKAGE + ".integrations.running").hook(module, os.environ[VARIABLE])
    except Exception as error:
        say("%s is not recorded (%s: %s)" % (module.__name__, type(error).__name__, error))  # noqa: UP031


def start() -> None:
    """Look out for libraries, if this is a sender under `ledger run`."""
    if VARIABLE not in os.environ:
        return
    if sys.version_info < OLDEST:
        say("this Python is too old to be recorded (3.11 or later can be): use `ledger gateway`")
        return
    sys.meta_path.insert(0, Lookout(LIBRARIES, hook))
    for name in LIBRARIES:
        if name in sys.modules:
            hook(sys.modules[name])


try:
    start()
finally:
    step_aside()
