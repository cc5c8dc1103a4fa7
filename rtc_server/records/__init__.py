"""What is kept: tables with their typed queries, the journal that takes facts at once, the writer that stores them."""
