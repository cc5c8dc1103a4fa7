"""Who serves whom: tax authorities, operating centres, their hours and their people. Data and arithmetic, no I/O."""
