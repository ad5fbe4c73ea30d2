"""A folder of evidence: for people to read, for programs to check, without the ledger."""
