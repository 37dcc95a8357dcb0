"""The bot's database as it would have left it after three months in the sandbox's world (`tools.sandbox.world`)."""
