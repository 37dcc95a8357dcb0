"""Profiles and their posts: what is read every day, how it grew, what is told of it."""
