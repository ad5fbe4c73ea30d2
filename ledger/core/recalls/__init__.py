"""Recalls: planned, paced, answered and settled."""
