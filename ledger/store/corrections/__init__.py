"""Corrections and their sends."""
