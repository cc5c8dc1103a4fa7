"""悦悦, the assistant: knowledge, retrieval, decisions, clarification. Knows no network, no database and no web framework."""
