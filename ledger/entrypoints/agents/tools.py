"""The tools: what each one says of itself, whom it is for, and what it calls.

None of them approves, breaks the glass, sets a policy, sends, corrects or tags; none gives what another one must not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core.access.roles import Permission
from ledger.entrypoints.agents import acting, asked, looking, told
from ledger.entrypoints.agents.callers import AgentCall
from ledger.entrypoints.agents.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTool:
    """A tool: `changes` says that it changes something, `takes_back` that this cannot be undone."""

    name: str
    title: str
    description: str
    permission: Permission
    asks: type[asked.Asked]
    tells: type[told.AnswerTold[Any]]
    work: Callable[[Desk, AgentCall, Any], told.AnswerTold[Any]]
    changes: bool = False
    takes_back: bool = False


_CUT = "A long list comes in parts: go on with `cursor`."
TOOLS: Sequence[AgentTool] = (
    AgentTool(
        name="campaigns",
        title="What can still be recalled",
        description=f"List campaigns of DingTalk messages, with how many can still be recalled and until when. {_CUT}",
        permission=Permission.SEE,
        asks=asked.CampaignsAsked,
        tells=told.Campaigns,
        work=looking.campaigns,
    ),
    AgentTool(
        name="messages",
        title="What is recorded",
        description=f"List recorded messages, soonest deadline first, all of them or what is selected. {_CUT}",
        permission=Permission.SEE,
        asks=asked.MessagesAsked,
        tells=told.Messages,
        work=looking.messages,
    ),
    AgentTool(
        name="people",
        title="Who has it",
        description=f"List whom selected messages, or those of one recall, reached, and what each still has. {_CUT}",
        permission=Permission.SEE,
        asks=asked.ReachedAsked,
        tells=told.People,
        work=looking.people,
    ),
    AgentTool(
        name="progress",
        title="Where recalls stand",
        description=f"Say where one recall stands, or all of them, newest first. {_CUT}",
        permission=Permission.SEE,
        asks=asked.ProgressAsked,
        tells=told.Recalls,
        work=looking.progress,
    ),
    AgentTool(
        name="history",
        title="What became of every key",
        description=f"List the outcomes of recalled messages, newest first: who recalled what, when and why. {_CUT}",
        permission=Permission.SEE,
        asks=asked.HistoryAsked,
        tells=told.Outcomes,
        work=looking.history,
    ),
    AgentTool(
        name="verify",
        title="Prove the history",
        description="Check that nobody rewrote the history; this reads all of it and may take minutes.",
        permission=Permission.SEE,
        asks=asked.VerifyAsked,
        tells=told.Proof,
        work=looking.verify,
    ),
    AgentTool(
        name="plan_recall",
        title="Plan a recall",
        description=(
            "Say what a recall of selected messages would do: how many messages, of which campaigns, from how many "
            "people, what looks like them, what would stop it. Nothing is recalled. Show the plan to the person whom "
            "you act for."
        ),
        permission=Permission.RECALL,
        asks=asked.PlanAsked,
        tells=told.Planned,
        work=acting.plan_recall,
        changes=True,
    ),
    AgentTool(
        name="run_recall",
        title="Run a planned recall",
        description=(
            "Take back the messages of a plan exactly as plan_recall showed it; that cannot be undone. Call it only "
            "when the person whom you act for has seen that plan and wants it. Beyond what agents may do alone it "
            "recalls nothing, and asks another person to approve."
        ),
        permission=Permission.RECALL,
        asks=asked.RunAsked,
        tells=told.Recalls,
        work=acting.run_recall,
        changes=True,
        takes_back=True,
    ),
)
