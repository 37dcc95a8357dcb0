"""Accounts and their rooms: what is true at TikTok, before anybody asks."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from tools.sandbox.clock import WorldClock
from tools.sandbox.tiktok.posts import Shelf

LIVE, PAUSED, ENDED = 2, 3, 4
STATUS_NAMES = {LIVE: "live", PAUSED: "paused", ENDED: "ended"}
FIRST_USER_ID = 7_100_000_000_000_000_000
A_DAY = 86_400
# A handle of digits alone cannot be had, so /@<digits> always means the numeric id.
HANDLE = re.compile(r"(?=.*[a-z_.])[a-z0-9_.]{2,24}")


@dataclass(kw_only=True)
class Room:
    """One broadcast. The top 32 bits of `id` are the second it began."""

    id: int
    owner: Account = field(repr=False)
    title: str
    status: int = LIVE
    viewers: int = 0
    entered: int = 0
    likes: int = 0
    comments: list[Any] = field(default_factory=list)  # messages.Message: what a newcomer gets replayed

    @property
    def started_at(self) -> int:
        return self.id >> 32


@dataclass(kw_only=True)
class Account:
    """A person; `id` and `sec_uid` never change, `handle` may."""

    id: int
    handle: str
    nickname: str
    followers: int = 1200
    following: int = 34
    hearts: int = 5600
    videos: int = 7
    title: str = "Just chatting"
    private: bool = False
    gone: bool = False
    age_restricted: bool = False
    room: Room | None = None
    shelf: Shelf = field(default_factory=Shelf)

    @property
    def sec_uid(self) -> str:
        return f"MS4wLjABAAAA{self.id:064x}"

    @property
    def status(self) -> int:
        return self.room.status if self.room else ENDED


class World:
    """All accounts and all rooms there ever were. A wrong command raises ValueError or KeyError."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self.accounts: dict[int, Account] = {}
        self.rooms: dict[int, Room] = {}
        self._serial = itertools.count(1)

    def create(self, handle: str, *, never_live: bool = False, **facts: Any) -> Account:
        """Add an account. Unless `never_live`, it was live a day ago, so it has a last room."""
        self._check_handle(handle)
        facts = {"id": FIRST_USER_ID + next(self._serial), "nickname": handle.title(), **facts}
        if facts["id"] in self.accounts:
            raise ValueError(f"the id {facts['id']} is taken")
        account = Account(handle=handle, **facts)
        self.accounts[account.id] = account
        if not never_live:
            self.open_room(account, started_at=int(self._clock.unix()) - A_DAY)
            self.set_status(account, ENDED)
        return account

    def _check_handle(self, handle: str) -> None:
        if not HANDLE.fullmatch(handle):
            raise ValueError(f"{handle!r} is no handle: 2 to 24 of a-z 0-9 _ . and not only digits")
        if self.find(handle):
            raise ValueError(f"the handle {handle!r} is taken")

    def rename(self, account: Account, handle: str) -> None:
        self._check_handle(handle)
        account.handle = handle

    def find(self, handle: str) -> Account | None:
        """The account with this very handle (upper case finds nothing), unless it is gone."""
        return next((a for a in self.accounts.values() if a.handle == handle and not a.gone), None)

    def find_by_page(self, name: str) -> Account | None:
        """What stands behind /@name: a handle, or a numeric user id."""
        if name.isdigit():
            account = self.accounts.get(int(name))
            return account if account and not account.gone else None
        return self.find(name)

    def find_by_sec_uid(self, sec_uid: str) -> Account | None:
        return next((a for a in self.accounts.values() if a.sec_uid == sec_uid and not a.gone), None)

    def named(self, handle: str) -> Account:
        """For commands: the account with this handle or id, gone or not."""
        for account in self.accounts.values():
            if handle in (account.handle, str(account.id)):
                return account
        raise KeyError(f"no account {handle!r}; there are {[a.handle for a in self.accounts.values()]}")

    def open_room(
        self,
        account: Account,
        *,
        started_at: int | None = None,
        room_id: int | None = None,
        title: str | None = None,
        viewers: int = 1,
    ) -> Room:
        """Begin a broadcast: a new room with a new id, made of its start and a serial number.

        Whoever was live before is so in the new room; the old one ended without a word.
        """
        if room_id is None:
            second = int(self._clock.unix()) if started_at is None else started_at
            # The serial number keeps two lives of one second apart, the later one higher.
            room_id = second << 32 | next(self._serial)
        if room_id in self.rooms:
            raise ValueError(f"there was a room {room_id} before")
        if account.room:
            account.room.status = ENDED
        account.title = title or account.title
        room = Room(id=room_id, owner=account, title=account.title, viewers=viewers, entered=viewers)
        self.rooms[room.id] = account.room = room
        return room

    def set_status(self, account: Account, status: int) -> Room:
        """Pause, resume or end the broadcast. Raises ValueError if there is none."""
        if account.room is None or account.room.status == ENDED:
            raise ValueError(f"{account.handle} is not live")
        account.room.status = status
        if status == ENDED:
            account.room.viewers = 0
        return account.room
