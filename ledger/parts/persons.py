"""What people may ask of what is stored of them."""

from typing import TYPE_CHECKING

from ledger.parts.foundation import Foundation
from ledger.parts.part import part
from ledger.spool import places

if TYPE_CHECKING:
    from ledger.services.persons.eraser import PersonEraser
    from ledger.services.persons.export import PersonExport


class PersonParts(Foundation):
    """Erasing a person, and showing a person what there is."""

    @part
    def person_eraser(self) -> "PersonEraser":
        """Takes a person out of the ledger."""
        from ledger.services.persons.eraser import PersonEraser

        folders = places.with_last_resort(*self.settings.spool_folders)
        return PersonEraser(self.opened(), self.clock, folders, self.recorder.replay)

    @part
    def person_export(self) -> "PersonExport":
        """Shows a person what is stored of them."""
        from ledger.services.persons.export import PersonExport

        folders = places.with_last_resort(*self.settings.spool_folders)
        return PersonExport(self.opened(), self.clock, folders, self.recorder.replay)
