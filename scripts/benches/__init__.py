"""Benchmarks: each measures real processes, prints what it saw beside its peer, and is never a timed test."""
