"""Tokens, requests that came before, and policies for everybody."""
