"""What the ledger holds of one campaign."""

from dataclasses import dataclass
from datetime import datetime

from ledger.core.json_value import JsonValue
from ledger.core.recording.message import Keyless


@dataclass(frozen=True, slots=True, kw_only=True)
class UnrecallableSends(JsonValue):
    """Sends of a kind that has no key, and why they cannot be recalled."""

    kind: Keyless
    sends: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLine(JsonValue):
    """One campaign (None: messages without a tag); `recipients` are summed over its messages.

    `people` are those whom they reached, each once: as of `people_counted_at`, or of now when that is None; None until
    they are counted for the first time. With `sending_stopped_by`, the gateway refuses what is still sent of it.

    `recallable` messages are inside their window and not recalled yet; the deadlines are theirs.
    Until `sticky_until`, what is still recorded under the campaign is recalled as it arrives. `keyless` counts sends of
    the last 24 hours that may have reached people although their key never came back: they cannot be recalled, nor can
    `unrecallable`, which never get a key. `recipients_unknown` counts one-on-one messages of which nobody can say
    whom they reached: they are recalled by campaign or key, and not found by user. `excerpt` is what the newest of its
    messages says, where that is kept.
    `expiring` messages shall vanish by themselves, the first of them at `expires_next`. `recalled_elsewhere` are gone
    by other hands: no recall of ours took them back.
    """

    campaign: str | None
    messages: int
    recipients: int
    recallable: int
    recalled: int
    first_deadline: datetime | None
    last_deadline: datetime | None
    sticky_until: datetime | None = None
    keyless: int = 0
    unrecallable: tuple[UnrecallableSends, ...] = ()
    recipients_unknown: int = 0
    people: int | None = None
    people_counted_at: datetime | None = None
    sending_stopped_by: str | None = None
    excerpt: str | None = None
    expiring: int = 0
    expires_next: datetime | None = None
    recalled_elsewhere: int = 0


def no_messages(campaign: str | None) -> CampaignLine:
    """Return the line of a campaign of which the ledger has no message, as when every key was lost."""
    return CampaignLine(
        campaign=campaign,
        messages=0,
        recipients=0,
        recallable=0,
        recalled=0,
        first_deadline=None,
        last_deadline=None,
        people=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSender:
    """A robot and a source that sent messages of a campaign which can still be recalled."""

    campaign: str | None
    robot_code: str
    source: str | None
