"""What people ask of notices: where they go, a test, and which campaigns are watched."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ledger.clock import Clock
from ledger.core.access.actors import check_actor
from ledger.core.limits import check_text
from ledger.errors import InputError, SettingsError
from ledger.settings import Settings
from ledger.store.campaigns import watched
from ledger.store.campaigns.watched import WatchedCampaign
from ledger.store.database import Database
from ledger.store.notices import notices
from ledger.store.notices.notices import NoticePlace

if TYPE_CHECKING:
    from ledger.services.notices.notifier import Notifier


class NoticeDesk:
    """Answers them; the notifier, with what it sends by, is built for a test alone."""

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, notifier: "Callable[[], Notifier]"
    ) -> None:
        self._database, self._clock, self._settings, self._notifier = database, clock, settings, notifier

    def test(self, actor: str) -> dict[str, str | None]:
        """Send a test to every place; return what is wrong with each, None where it has arrived."""
        if not self._settings.notice_places:
            raise SettingsError("notices go nowhere: set LEDGER_NOTIFY_URLS or LEDGER_WEBHOOK_URLS, then test again")
        return self._notifier().test(check_actor(actor))

    def places(self) -> list[NoticePlace]:
        """Return how every place of the settings stands."""
        with self._database.read() as connection:
            standing = notices.standing(connection)
        return [standing.get(name) or NoticePlace(name=name) for name in self._settings.notice_places]

    def watched(self) -> list[WatchedCampaign]:
        """Return the campaigns that somebody watches."""
        with self._database.read() as connection:
            return watched.listed(connection)

    def watch(self, campaign: str, before_seconds: int, *, actor: str) -> WatchedCampaign:
        """Tell of a campaign so many seconds before its first deadline."""
        made = WatchedCampaign(
            campaign=check_text("the campaign", campaign),
            before_seconds=before_seconds,
            watched_by=check_actor(actor),
            watched_at=self._clock.now(),
        )
        with self._database.write() as connection:
            watched.put(connection, made)
        return made

    def unwatch(self, campaign: str) -> None:
        """Tell of a campaign no more; raise InputError when nobody watches it."""
        with self._database.write() as connection:
            if not watched.drop(connection, campaign):
                raise InputError(f"nobody watches {campaign!r}: `ledger notify places` shows what is watched")
