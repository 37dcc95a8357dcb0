"""Stand-ins that speak the real protocols on loopback, each a process of its own.

Nothing here imports `bot`: the stand-ins know the outside world, not us.
"""
