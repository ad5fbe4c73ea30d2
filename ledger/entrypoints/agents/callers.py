"""Who calls a tool: the person behind an agent, whose rights hold, and what the agent calls itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from mcp.server.context import ServerRequestContext

from ledger.core.access.agents import agent_name, through_agent
from ledger.core.access.roles import Identity, Permission
from ledger.entrypoints.http.door import check_may

Context: TypeAlias = ServerRequestContext[Any, Any]
# Says who asks, and raises an AccessError for whoever may not come in.
Identify = Callable[[Context], Identity]


@dataclass(frozen=True, slots=True)
class AgentCall:
    """A call of a tool: on whose behalf, by which agent."""

    who: Identity
    agent: str

    @property
    def actor(self) -> str:
        """Whom the history names."""
        return through_agent(self.who.name, self.agent)


def check_call(who: Identity, permission: Permission) -> None:
    """Raise ForbiddenError when somebody may not have a tool called: by their role, or one that is for tools alone."""
    if not who.may(Permission.ASK):
        check_may(who, permission)


def agent_of(context: Context) -> str:
    """Return what the client calls itself, which nothing proves."""
    said = context.session.client_params
    return agent_name(said.client_info.name if said is not None else None)
