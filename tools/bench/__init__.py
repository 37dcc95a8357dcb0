"""Benchmarks: each prints its figures beside their limits and ends with 1 where a limit is missed."""
