"""Benchmarks, run from a source tree."""
