"""The smart service (悦悦): retrieval, dialogue, suggestions and speech. Knows nobody above it."""
