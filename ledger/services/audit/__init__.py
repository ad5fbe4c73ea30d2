"""Audit: the history is signed and anchored outside, checked against that, and handed out as evidence."""
