"""Pictures: a child process draws what `bot.core.charts` describes. Only the child loads matplotlib."""
