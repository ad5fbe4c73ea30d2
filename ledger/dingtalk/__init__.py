"""The HTTP client for DingTalk; the one place that imports httpx for our own calls."""
