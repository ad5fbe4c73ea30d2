"""Corrections: one message to the people from whom a recall took another one back, to each of them once."""
