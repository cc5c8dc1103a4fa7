"""The middle floor: who may do what with whom, and how it is said."""
