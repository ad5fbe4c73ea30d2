"""The spool: journals written by one process and taken in by another."""
