"""The Discord stand-in as tests use it: started as its own process, spoken to over its control API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.standins import StandIn, running


class DiscordServer(StandIn):
    """A running stand-in, in the words of a person who uses Discord."""

    def command(
        self,
        name: str,
        options: dict[str, Any] | None = None,
        *,
        user: str = "admin",
        channel: str = "general",
    ) -> str:
        """Use a slash command; the id of the interaction."""
        order = {"user": user, "channel": channel, "name": name, "options": options or {}}
        return self.control("POST", "command", order)["interaction_id"]

    def press(self, message: dict[str, Any], custom_id: str, *values: Any, user: str = "admin") -> str:
        order = {"user": user, "message_id": message["id"], "custom_id": custom_id, "values": values}
        return self.control("POST", "component", order)["interaction_id"]

    def answer(self, interaction_id: str) -> dict[str, Any]:
        """The interaction, once the bot has answered it."""
        return self.control("GET", f"interactions/{interaction_id}?wait=8")

    def run(self, name: str, options: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Use a slash command and wait for its answer."""
        return self.answer(self.command(name, options, **more))

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """What stands in the channel."""
        found = self.control("GET", f"messages?channel={channel}")
        return [message for message in found if not message["deleted"]]

    def violations(self) -> list[dict[str, Any]]:
        return self.control("GET", "violations")["violations"]

    def reasons(self) -> list[str]:
        """The violations in words."""
        return [f"{v['method']} {v['path']} {v['direction']}: {v['reason']}" for v in self.violations()]

    def gateway(self, action: str | None = None, **more: Any) -> dict[str, Any]:
        if action is None:
            return self.control("GET", "gateway")
        return self.control("POST", "gateway", {"action": action, **more})

    def requests(self, method: str, path_end: str) -> list[dict[str, Any]]:
        entries = self.control("GET", "requests")
        return [one for one in entries if one["method"] == method and one["path"].endswith(path_end)]


@contextmanager
def running_discord(*arguments: str) -> Iterator[DiscordServer]:
    """Start the stand-in, wait until it is ready, stop it afterwards."""
    with running("discord", *arguments) as stand_in:
        yield DiscordServer(stand_in.facts)
