"""One use case each: load, ask the core, save and enqueue in one transaction."""
