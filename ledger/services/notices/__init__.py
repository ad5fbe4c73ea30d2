"""Notices: somebody hears of what happened without looking, and no recall waits for that."""
