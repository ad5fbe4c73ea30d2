"""Campaigns: their counts, people and names, stopped and watched."""
