"""The bot's own services under virtual time, with seeded faults; `python -m tools.simulate` runs it."""
