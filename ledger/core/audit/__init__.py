"""The chain of the history, its checkpoints, and what a check of it finds."""
