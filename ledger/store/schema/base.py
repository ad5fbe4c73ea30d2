"""What all tables have in common: their version, how constraints are named, and numbered rows."""

from sqlalchemy import Column, Identity, MetaData

from ledger.store.types import Id

REVISION = "0028"

NAMES = {
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}
metadata = MetaData(naming_convention=NAMES)


def id_column() -> Column[int]:
    """Return the column of a table whose rows are numbered."""
    return Column("id", Id, Identity(), primary_key=True)
