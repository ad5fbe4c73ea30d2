"""The console: its pages over loopback, and in a real browser."""
