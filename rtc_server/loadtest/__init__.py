"""A whole server under load, from outside."""
