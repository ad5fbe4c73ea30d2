"""By what the history names people."""

from sqlalchemy import Column, LargeBinary, Table, Text

from ledger.store.schema.base import id_column, metadata

# What commitments are made of, by which the history names people; another one after each erasure.
person_secrets = Table(
    "person_secrets",
    metadata,
    id_column(),
    Column("secret", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

# The commitments of those who were in the history when somebody was erased; whoever was stands there by a pseudonym.
person_commitments = Table(
    "person_commitments",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("commitment", Text, nullable=False),
    sqlite_with_rowid=False,
)
