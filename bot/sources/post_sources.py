"""Which sources of posts there are, in the order in which they are asked. One more is one line here."""

from __future__ import annotations

from bot.clock import Clock
from bot.ports import PostSource
from bot.settings import Settings
from bot.sources.scrapecreators.client import ScrapeCreatorsPosts
from bot.sources.tiktok.listing import TikTokPosts


def post_sources_of(settings: Settings, clock: Clock) -> tuple[PostSource, ...]:
    """Make the sources that the settings name; one that needs a key and has none is left out."""
    made = {"yt-dlp": _tiktok(settings, clock), "scrapecreators": scrapecreators_of(settings, clock)}
    return tuple(source for name in dict.fromkeys(settings.post_sources) if (source := made[name]))


def scrapecreators_of(settings: Settings, clock: Clock) -> ScrapeCreatorsPosts | None:
    """Make the paid source; None where there is no key, or where it is not to be asked."""
    key = settings.scrapecreators_api_key
    if key is None or "scrapecreators" not in settings.post_sources:
        return None
    return ScrapeCreatorsPosts(
        clock=clock,
        url=settings.scrapecreators_url,
        key=key.get_secret_value(),
        page_seconds=settings.profile_page_seconds,
        limit_seconds=settings.profile_timeout_minutes * 60.0,
    )


def _tiktok(settings: Settings, clock: Clock) -> PostSource:
    return TikTokPosts(
        clock=clock,
        page_seconds=settings.profile_page_seconds,
        limit_seconds=settings.profile_timeout_minutes * 60.0,
        proxy=_proxy_of(settings),
    )


def web_proxy_of(settings: Settings) -> str:
    """Give the proxy where it is one of HTTP, which every library can use; empty where there is none."""
    proxy = _proxy_of(settings)
    return proxy if proxy.startswith("http") else ""


def _proxy_of(settings: Settings) -> str:
    proxy = settings.post_proxy_url
    return "" if proxy is None else proxy.get_secret_value()
