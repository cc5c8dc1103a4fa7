"""Live rooms: one mailbox task each."""
