"""The history, what proves it, and the rows that it is held against."""
