"""Known round times replayed before the policies that decide when to look; `python -m tools.backtest_rounds`."""
