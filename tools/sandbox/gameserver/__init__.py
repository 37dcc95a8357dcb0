"""A stand-in for one ET:Legacy game server: its stats folder over SFTP and its UDP status answer.

Start it with ``python -m tools.sandbox.gameserver``; `tools.sandbox.gameserver.__main__` shows the options and
the announcement, `tools.sandbox.gameserver.control` the control API, `tools.sandbox.gameserver.faults` what can
be made to go wrong.
"""
