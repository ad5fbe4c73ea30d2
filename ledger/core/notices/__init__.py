"""Notices: who hears of what, in which words."""
