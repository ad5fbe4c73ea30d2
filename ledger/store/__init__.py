"""All SQL of the ledger, and nothing else: rows in, rows out."""
