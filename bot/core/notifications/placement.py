"""Where in its channel a message stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """What the edge does besides posting; what does not fit the channel's type is left out.

    `publish` is for announcement channels. `thread_name` names the thread that is opened below the message, or
    the forum post; `opens_thread` asks for the former. `tag_id` is a forum's tag. `in_thread_of` is the event in
    whose thread the message is posted, where there is one.
    """

    publish: bool = True
    opens_thread: bool = False
    thread_name: str = ""
    tag_id: int | None = None
    in_thread_of: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give it as JSON-ready data; `from_json` reads it back unchanged."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Placement:
        """Read what `to_json` gave."""
        return cls(**data)
