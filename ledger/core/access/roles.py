"""Who may do what: the one table of roles and permissions, and the person or program that asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ledger.core.access.bounds import Bounds
from ledger.core.recording.message import RobotCode


class Role(StrEnum):
    """What a token is for."""

    RECORDER = "recorder"  # a program that sends: it hands in what it sent, and sees nothing
    OPERATOR = "operator"  # a person who takes messages back
    APPROVER = "approver"  # a second person: agrees to what others want to take back, and takes back nothing
    AUDITOR = "auditor"  # a person who reads what was done
    ADMIN = "admin"  # a person who may do everything
    AGENT = "agent"  # a program with a model inside: what `ledger mcp` lets it do for its owner, and nothing else


class Permission(StrEnum):
    """What a door asks for before it opens."""

    RECORD = "record"  # hand in messages
    SEE = "see"  # campaigns, messages, recalls and their history
    RECALL = "recall"  # plan, run, pause, resume, retry, cancel
    APPROVE = "approve"  # agree to somebody else's recall, or refuse it
    OPERATE = "operate"  # figures and health of the service itself
    PERSONS = "export or erase what is stored of a person"
    ASK = "look, plan and ask by the tools for agents"


GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.RECORDER: frozenset({Permission.RECORD}),
    Role.OPERATOR: frozenset({Permission.SEE, Permission.RECALL, Permission.APPROVE, Permission.OPERATE}),
    Role.APPROVER: frozenset({Permission.SEE, Permission.APPROVE, Permission.OPERATE}),
    Role.AUDITOR: frozenset({Permission.SEE, Permission.OPERATE}),
    Role.ADMIN: frozenset(Permission),
    Role.AGENT: frozenset({Permission.ASK}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks: the name that the history keeps, and what it may do.

    Without robots, it may touch those of all; without (beginnings of) campaigns, all of them and what has none.

    Without a token, the name is only what somebody says of themselves.
    """

    name: str
    role: Role
    robots: frozenset[RobotCode] = frozenset()
    campaigns: frozenset[str] = frozenset()
    token_id: int | None = None

    @property
    def is_proven(self) -> bool:
        """True when a token shows who it is."""
        return self.token_id is not None

    def may(self, permission: Permission) -> bool:
        """Say whether the role of this identity grants something."""
        return permission in GRANTS[self.role]

    @property
    def bounds(self) -> Bounds:
        """Which messages it may touch."""
        return Bounds(robots=self.robots, campaigns=self.campaigns)

    def may_touch(self, robot: str | None) -> bool:
        """Say whether messages of a robot are within reach; None stands for messages of any robot."""
        return self.bounds.hold_robot(robot)
