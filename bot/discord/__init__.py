"""The Discord edge: client, delivery of the outbox, embeds, text."""
