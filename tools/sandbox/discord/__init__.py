"""A Discord on loopback: REST v10, gateway and CDN, faithful enough for an unmodified discord.py bot.

Start it with ``python -m tools.sandbox.discord [--port N] [--schemas DIR]``. The rooms:

- `world`: what exists (users, guilds, channels, messages, commands, interactions); no protocol
- `payloads`: the world as the JSON Discord sends; `permissions`: who may do what, where
- `rest`: every bot request passes here: faults, rate limits (`limits`), validation, the answer (`errors`)
- `messages`, `interactions`, `commands`, `directory`: the routes by topic
- `compose`: what a bot sends becomes a message; `mentions`: whom it notifies
- `gateway`: the WebSocket; `client`: what a person does in the Discord app, filling in `options`
- `control`: what a test or a page may ask and command (its docstring lists everything); `changes`: of the
  world; `feed`: what happened, in order
- `schema`: the oracle, Discord's own OpenAPI file and the JSON Schemas of the gateway
- `service`: all of it put together

Nothing here imports the library of the same name.
"""
