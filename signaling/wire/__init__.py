"""Messages on the wire: requests, responses and notifications apart. ``docs/protocol.md`` tells them in prose."""
