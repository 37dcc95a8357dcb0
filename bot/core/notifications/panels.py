"""The names of buttons that members press under a message (`Message.panel`); the Discord room draws them."""

from __future__ import annotations

from bot.core.notifications.kinds import subject_account

CHOOSE_PANEL = "choose"
"""Opens the menus in which a member chooses pings."""
BELL_PANEL = "bell"
"""With the number of an account behind a colon: asks for that account, or takes it back."""


def bell(subject: str) -> str:
    """Give the panel by which members ask for the account a message is about; empty where it is about none."""
    account_id = subject_account(subject)
    return "" if account_id is None else f"{BELL_PANEL}:{account_id}"
