"""The sandbox's page: what a stranger opens in the browser. `server` serves it, `static/` is it."""
