"""Python's cyclic garbage collector, set for a process that lives long and answers fast."""

import gc


def calm_collector() -> None:
    """What lives as long as the server is never looked through again (the garbage of imports, some thousand objects, stays
    with it), and young objects, which nearly all die by themselves, are looked through in larger lots: a full pass over
    thousands of connections holds up every message for 0.4 s, one over what was made in the last second for some 20 ms."""
    gc.freeze()
    gc.set_threshold(5_000, 4, 250)
    gc.enable()
