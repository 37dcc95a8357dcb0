"""Those who watch: regulars, who come to one streamer again and again, a few patrons of many, and strangers."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass
from functools import cache

from tools.sandbox.world.streamers import Streamer


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A viewer as TikTok shows them; `id` never changes."""

    handle: str
    nickname: str

    @property
    def id(self) -> int:
        return 6_900_000_000_000_000_000 + zlib.crc32(self.handle.encode())


#: They give to everybody who speaks their language, and much.
PATRONS = {
    "id": (
        Person(handle="sultan.andara", nickname="Sultan 👑"),
        Person(handle="koh_willy", nickname="Koh Willy"),
        Person(handle="mbak.ratna77", nickname="Mbak Ratna"),
    ),
    "en": (
        Person(handle="captain.crumb", nickname="Captain Crumb"),
        Person(handle="marguerite_b", nickname="Marguerite"),
        Person(handle="thatonewhale", nickname="🐋"),
    ),
}
_REGULARS = 14
_NAMES = {
    "id": (
        "agus", "ayu", "bella", "bima", "budi", "cici", "danu", "dian", "dita", "eka", "fajar", "fitri",
        "galih", "hana", "indah", "iqbal", "jaka", "kirana", "laras", "made", "maya", "nadia", "nisa",
        "putra", "putri", "raka", "reza", "rizky", "sari", "sinta", "surya", "tika", "udin", "vina",
        "wawan", "wulan", "yogi",
    ),
    "en": (
        "abby", "alex", "amelie", "anton", "bea", "ben", "carla", "chris", "dana", "dylan", "ella",
        "emil", "fay", "finn", "greta", "hugo", "ines", "ivy", "jack", "june", "kate", "leo", "lucas",
        "mara", "max", "mia", "nico", "nina", "oli", "paul", "quinn", "rosa", "ruth", "sam", "tess",
        "theo", "vera", "will", "zoe",
    ),
}  # fmt: skip
_ENDINGS = {
    "id": ("", "_", ".id", "aja", "_jkt", ".bdg", "gaming", "99", "cantik", "ganteng", "real"),
    "en": ("", "_", ".x", "official", "_uk", "plays", "22", "likes.tea", "again", "home"),
}
_SIGNS = ("", "", "", " 🌸", " ✨", " 🔥", " 💫", " 🐱", " ♡", " 🎧")
_COMMENTS = {
    "id": (
        "halo kak!", "keren 🔥", "semangat kak", "dari Bandung nih", "lagi dong", "wkwkwk",
        "baru pertama mampir", "izin nyimak", "suaranya bagus bgt", "kapan live lagi?",
        "salam dari Makassar", "gaskeun", "mantap kak", "request dong kak", "kak notice aku",
        "udah makan belum?", "aku dari tadi nungguin", "😂😂😂", "cakep",
    ),
    "en": (
        "hi from Lyon", "first time here", "so good 🔥", "how long have you done this?", "again!", "haha",
        "love it", "greetings from Ohio", "what song is this?", "you're early today",
        "can you explain that?", "wait what", "that was close", "let's goooo", "good evening everyone",
        "who sent that?", "just got home", "😂",
    ),
}  # fmt: skip


@cache
def regulars_of(streamer: Streamer) -> tuple[Person, ...]:
    """Give those who come again and again, the most generous first."""
    luck = random.Random(f"regulars {streamer.handle}")  # noqa: S311 - invented people
    found: dict[str, Person] = {}
    while len(found) < _REGULARS:
        person = stranger(streamer.language, luck)
        found[person.handle] = person
    patrons = PATRONS[streamer.language]
    return (patrons[luck.randrange(len(patrons))], *found.values())


def stranger(language: str, luck: random.Random) -> Person:
    """Invent somebody, or meet again somebody who was invented before: there are some thousands."""
    # Now and then somebody comes from the other half of the world.
    spoken = language if luck.random() < 0.9 else luck.choice(sorted(_NAMES))
    name, ending = luck.choice(_NAMES[spoken]), luck.choice(_ENDINGS[spoken])
    number = luck.choice(("", "", f"{luck.randrange(1, 40)}"))
    handle = f"{name}{ending}{number}".rstrip(".")
    sign = _SIGNS[zlib.crc32(handle.encode()) % len(_SIGNS)]
    return Person(handle=handle, nickname=f"{name.title()}{sign}")


def comment_of(streamer: Streamer, luck: random.Random) -> str:
    """Invent what somebody writes to this streamer."""
    return luck.choice(_COMMENTS[streamer.language])
