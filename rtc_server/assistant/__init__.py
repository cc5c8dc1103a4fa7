"""悦悦 at work: answers from the knowledge in force, remembers the dialogue, records what was asked."""
