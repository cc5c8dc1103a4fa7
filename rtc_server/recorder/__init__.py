"""Facts of sessions."""
