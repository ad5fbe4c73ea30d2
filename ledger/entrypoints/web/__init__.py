"""The console: pages for people, rendered here, on the same services as the API."""
