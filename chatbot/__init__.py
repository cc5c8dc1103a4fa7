"""悦悦, the assistant: knowledge, retrieval, decisions, clarification. Knows no network, no database and no web framework."""

import os

# Read once, when numpy is first imported. Its threads spin while they wait for one another: beside the packet engine, or on
# a busy machine, a product of a matrix and a vector then takes ten times as long as on one thread.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
