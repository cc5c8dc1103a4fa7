"""The relay: time-limited credentials, coturn's configuration, its supervision, and a probe by a real allocation."""
