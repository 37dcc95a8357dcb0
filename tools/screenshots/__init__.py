"""The README's pictures, and ``python -m tools.screenshots``, which takes them anew from the sandbox's tour."""
