"""What is decided, in one line, for a terminal."""

from typing import TYPE_CHECKING

from ledger.entrypoints.cli.screen.words import moment, number_of, plain
from ledger.entrypoints.formats.decisions import asked_for, decided_on, decision

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ledger.core.corrections.correction import CorrectionPlan
    from ledger.core.recalls.recall import Plan
    from ledger.services.reports.recall_lines import RecallLine


def decision_of(plan: "Plan", selection: "Mapping[str, Any]") -> str:
    """Write `recall 350 messages of spring-promo from 2,114 people`, with times of the local zone."""
    return decision(plan.eligible, plan.recipients, selection, name=plain, time=moment, taken=plan.taken)


def decided_of(line: "RecallLine") -> str:
    """Write what a recall is about: `350 messages of spring-promo from 2,114 people`."""
    return decided_on(line.result.eligible, line.people, line.selection, name=plain, time=moment)


def asked_for_of(line: "RecallLine") -> str:
    """Write what was asked for, where the campaign needs no word before it: `spring-promo`, `that reached li.si`."""
    return asked_for(line.selection, name=plain, time=moment).removeprefix("of ")


def correction_decision(plan: "CorrectionPlan") -> str:
    """Write `send a correction to 2,114 people`."""
    return f"send a correction to {number_of(plan.people, 'person', 'people')}"
