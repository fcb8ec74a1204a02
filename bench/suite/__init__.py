"""Presence measured beside what a user would take instead. See bench/README.md."""
