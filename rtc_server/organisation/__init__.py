"""Who serves whom: tax authorities, operating centres, their hours and their people. Without I/O but for ``service``."""
