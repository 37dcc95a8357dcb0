"""How anything the bot says reaches people: which kinds there are, what admins choose, and what follows from it."""
