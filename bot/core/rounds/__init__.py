"""Rounds of ET:Legacy: from the name and the bytes of a stats file to the numbers of one round alone."""
