"""Who holds a lease: a name for this process, and which processes of this machine are surely gone."""

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4


def _machine() -> str:
    """Name the machine so that two containers, or two boots, are never taken for one."""
    parts = [socket.gethostname()]
    for path, is_link in (("/proc/sys/kernel/random/boot_id", False), ("/proc/self/ns/pid", True)):
        try:
            parts.append(str(Path(path).readlink()) if is_link else Path(path).read_text(encoding="ascii").strip())
        except OSError:
            # Not Linux: without proof of being one machine, only the end of a lease tells.
            parts.append(uuid4().hex)
    return "/".join(parts)


MACHINE = _machine()


def own_name() -> str:
    """Return a name that no other process has, now or later."""
    return f"{MACHINE}#{os.getpid()}#{uuid4().hex[:8]}"


def surely_gone(owners: Iterable[str]) -> list[str]:
    """Return the owners that were processes of this machine and live no more."""
    return [owner for owner in owners if _is_gone(owner)]


def _is_gone(owner: str) -> bool:
    machine, _, rest = owner.partition("#")
    pid = rest.partition("#")[0]
    if machine != MACHINE or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
