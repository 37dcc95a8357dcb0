"""Known lives replayed before the bot's own live monitor; `python -m tools.backtest FILE` runs it."""
