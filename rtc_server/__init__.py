"""The top floor: composes the others, keeps settings, and speaks HTTP."""

VERSION = "0.1.0"
