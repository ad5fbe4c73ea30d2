"""Files with secrets that belong to somebody else, or that others of their group can read.

Only such files: a database and a spool may be shared by a group on purpose.
"""

import grp
import os
import pwd
import shlex
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

SHOWN_NAMES = 3


def troubles(files: Collection[Path], keepers: Collection[int]) -> Iterator[str]:
    """Yield a sentence for each that somebody else has, or a group; `keepers` are users whom the ledger belongs to."""
    own = {0, os.geteuid(), *keepers}
    for file in files:
        try:
            found = file.stat()
        except OSError:  # not there, or not for us
            continue
        if found.st_uid not in own:
            keeper = shlex.quote(_user(next(iter(keepers), os.geteuid())))
            who = f"{_user(found.st_uid)}, who can read and change it"
            yield f"{file} belongs to {who}: `chown {keeper} {shlex.quote(str(file))}`"
        others = _others_in(found.st_gid, own) if _is_for_group(file, found) else []
        if others:
            names = ", ".join(others[:SHOWN_NAMES]) + (" and others" if len(others) > SHOWN_NAMES else "")
            yield f"{names} of group {_group(found.st_gid)} can read {file}: `chmod g-rwx {shlex.quote(str(file))}`"


def _is_for_group(file: Path, found: os.stat_result) -> bool:
    """Say whether the group of a file can read it, through all folders above it."""
    return bool(found.st_mode & stat.S_IRGRP) and all(_lets_pass(folder, found.st_gid) for folder in file.parents)


def _lets_pass(folder: Path, group: int) -> bool:
    found = folder.stat()
    return bool(found.st_mode & (stat.S_IXGRP if found.st_gid == group else stat.S_IXOTH))


def _others_in(group: int, own: Collection[int]) -> list[str]:
    """Return the users of a group that are known here, but our own; a directory service may know more."""
    try:
        named = set(grp.getgrgid(group).gr_mem)
    except KeyError:
        named = set()
    users = pwd.getpwall()
    ours = {user.pw_name for user in users if user.pw_uid in own}
    return sorted((named | {user.pw_name for user in users if user.pw_gid == group}) - ours)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
