"""The life of a live: what a check means, when to look again."""
