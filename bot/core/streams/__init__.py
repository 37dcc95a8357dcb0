"""The recording of a live: what happened in it, minute by minute, and what moved its viewers."""
