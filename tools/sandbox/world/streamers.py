"""Who goes live, and what kind of person that is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

_FIRST_ID = 7_210_000_000_000_000_000


class Kind(StrEnum):
    """How somebody's lives are spread over the week."""

    DAILY = "daily"
    WEEKDAY = "weekday"
    TWO_SHIFTS = "two shifts"
    UNPREDICTABLE = "unpredictable"
    CHANGES = "changes its schedule"


@dataclass(frozen=True, kw_only=True, slots=True)
class Streamer:
    """Somebody who goes live and posts; `hours` are local ones at which lives begin (20.5 is half past eight).

    `viewers` is what a usual live has at its best, `minutes` how long it lasts. Of `CHANGES` the first hour held
    until the change, and the second from then on.
    """

    number: int
    handle: str
    nickname: str
    kind: Kind
    zone: str
    language: str
    followers: int
    viewers: int
    hours: tuple[float, ...]
    minutes: int
    titles: tuple[str, ...]

    @property
    def id(self) -> int:
        """TikTok's number of the account."""
        return _FIRST_ID + self.number

    @property
    def sec_uid(self) -> str:
        """TikTok's other name of the account, which never changes either."""
        return f"MS4wLjABAAAA{self.id:064x}"

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def _one(number: int, handle: str, nickname: str, kind: Kind, zone: str, **more: object) -> Streamer:
    return Streamer(number=number, handle=handle, nickname=nickname, kind=kind, zone=zone, **more)  # type: ignore[arg-type]


_MUSIC_ID = (
    "Request lagu, yuk 🎶",
    "Akustik malam",
    "Karaoke bareng",
    "Nyanyi sampai serak",
    "Lagu galau 🥲",
)
_GAME_ID = (
    "Push rank sampai Mythic",
    "Main bareng, masuk aja",
    "Mabar santai 🎮",
    "Rank malam ini harus naik",
)
_COOK_ID = ("Masak apa hari ini?", "Sambal matah asli 🌶️", "Jajan pasar", "Dapur Dewi buka")
_SHOP_ID = ("Flash sale 1 jam", "Batik baru datang", "Live diskon, jangan skip", "Unboxing stok baru")
_CRAFT_EN = ("Throwing bowls, ask me anything", "Glaze night", "Kiln opening!", "Quiet hours at the wheel")
_GAME_EN = ("Speedrun attempts", "Chill co-op, join in", "One more round", "Ranked until I lose")
_SKY_EN = ("Saturn through the telescope", "Moon tonight 🌙", "Questions about space", "Clouds, so we talk")
_TALK_EN = ("Morning coffee ☕", "Study with me", "Q&A", "Late again, sorry", "Walking the dog")

#: The eight whom the sandbox follows, then those the bench adds.
EVERYBODY: tuple[Streamer, ...] = (
    _one(1, "rani.bernyanyi", "Rani 🎤", Kind.DAILY, "Asia/Jakarta", language="id", followers=48_200,
         viewers=210, hours=(18.8,), minutes=130, titles=_MUSIC_ID),
    _one(2, "dapur.dewi", "Dapur Dewi", Kind.WEEKDAY, "Asia/Makassar", language="id", followers=15_900,
         viewers=85, hours=(11.5,), minutes=75, titles=_COOK_ID),
    _one(3, "mila.makes", "Mila Makes", Kind.TWO_SHIFTS, "Europe/Paris", language="en", followers=23_400,
         viewers=120, hours=(9.0, 20.5), minutes=90, titles=_CRAFT_EN),
    _one(4, "bayu_gg", "BAYU • gg", Kind.CHANGES, "Asia/Jakarta", language="id", followers=91_000,
         viewers=320, hours=(21.5, 14.0), minutes=150, titles=_GAME_ID),
    _one(5, "oskar.outside", "Oskar", Kind.UNPREDICTABLE, "Europe/Berlin", language="en", followers=3_100,
         viewers=35, hours=(), minutes=60, titles=_TALK_EN),
    _one(6, "nightowl.nora", "Nora the Night Owl", Kind.DAILY, "America/New_York", language="en",
         followers=132_000, viewers=410, hours=(21.0,), minutes=160, titles=_GAME_EN),
    _one(7, "batik.bagus", "Batik Bagus Official", Kind.TWO_SHIFTS, "Asia/Jakarta", language="id",
         followers=67_500, viewers=150, hours=(10.0, 20.0), minutes=80, titles=_SHOP_ID),
    _one(8, "starry.sam", "Sam *looks up*", Kind.WEEKDAY, "Europe/London", language="en", followers=9_800,
         viewers=60, hours=(22.0,), minutes=70, titles=_SKY_EN),
    _one(9, "citra.cerita", "Citra Bercerita", Kind.DAILY, "Asia/Jayapura", language="id", followers=5_400,
         viewers=40, hours=(20.0,), minutes=60, titles=_MUSIC_ID),
    _one(10, "eko.elektronik", "Eko Elektronik", Kind.WEEKDAY, "Asia/Jakarta", language="id",
         followers=11_700, viewers=55, hours=(13.0,), minutes=90, titles=_SHOP_ID),
    _one(11, "lena.lernt", "Lena lernt", Kind.WEEKDAY, "Europe/Vienna", language="en", followers=7_300,
         viewers=45, hours=(17.0,), minutes=60, titles=_TALK_EN),
    _one(12, "gita_gitar", "Gita", Kind.CHANGES, "Asia/Jakarta", language="id", followers=19_900,
         viewers=95, hours=(18.0, 22.0), minutes=90, titles=_MUSIC_ID),
    _one(13, "tom.plays.late", "Tom", Kind.UNPREDICTABLE, "America/Chicago", language="en",
         followers=2_200, viewers=25, hours=(), minutes=100, titles=_GAME_EN),
    _one(14, "farah.fit", "Farah FIT", Kind.TWO_SHIFTS, "Asia/Jakarta", language="id", followers=54_000,
         viewers=140, hours=(6.0, 17.5), minutes=50, titles=_TALK_EN),
    _one(15, "joko.jalan", "Joko Jalan-Jalan", Kind.UNPREDICTABLE, "Asia/Jakarta", language="id",
         followers=28_600, viewers=110, hours=(), minutes=120, titles=_COOK_ID),
)  # fmt: skip
STREAMERS = EVERYBODY[:8]


def streamer_of(handle: str) -> Streamer:
    """Give the one with this handle. Raises KeyError."""
    for streamer in EVERYBODY:
        if streamer.handle == handle:
            return streamer
    raise KeyError(f"nobody is called {handle!r}")
