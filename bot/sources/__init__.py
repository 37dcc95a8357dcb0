"""Edges that fetch from one outside service each."""
