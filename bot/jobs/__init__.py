"""What runs when: the few periodic jobs of the bot."""
