"""A Discord on loopback: REST v10, gateway and CDN, faithful enough for an unmodified discord.py bot.

Start it with ``python -m tools.sandbox.discord [--port N] [--schemas DIR]``. The rooms:

- `world`: what exists (users, guilds, channels, messages, commands, interactions); no protocol
- `payloads`: the world as the JSON Discord sends; `permissions`: who may do what, where
- `rest`: every bot request passes here: faults, rate limits, validation, the answer
- `messages`, `compose`, `mentions`, `interactions`, `commands`, `directory`: the routes by topic
- `client`: what a person does in the Discord app; `gateway`: the WebSocket
- `control`: what a test or a page may ask and command (its docstring lists everything)
- `schema`: the oracle, Discord's own OpenAPI file and the JSON Schemas of the gateway

Nothing here imports the library of the same name.
"""
