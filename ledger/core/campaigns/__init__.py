"""Campaigns: their names as people type them, what they hold, and which of them is looked for."""
