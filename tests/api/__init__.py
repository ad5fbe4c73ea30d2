"""The HTTP API over loopback."""
