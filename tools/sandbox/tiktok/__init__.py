"""TikTok on loopback: pages, room lookup, sign server and the WebSocket of a live.

`world` holds accounts and rooms, `answers` the documents made of them, `sign` the signing service with its
quotas, `wire` and `messages` the protobuf bytes, `push` the sockets, `http` the routes and faults, `control`
the commands for tests (the table of commands stands there).

Shapes follow what TikTokLive 7.0.1 asks for and reads. The bytes are encoded by hand: built with the library's
own classes, both sides would share its mistakes.
"""
