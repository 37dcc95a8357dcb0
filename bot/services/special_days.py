"""Days that are not like others: the public holidays of a guild's country, and what its admins added."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from bot.core.live.factors import SpecialDays
from bot.services.planning import Beside
from bot.storage import live as store
from bot.storage import special
from bot.storage.engine import Database


def has_holidays(country: str) -> bool:
    """Say whether the holidays of a country (ISO code of two letters) are known. Takes long the first time."""
    import holidays  # noqa: PLC0415 - 0.3 s and 12 MB, only for who chose a country

    return country in holidays.list_supported_countries(include_aliases=False)


def public_holidays(country: str, first_year: int, last_year: int) -> Mapping[date, str]:
    """Give the public holidays of a country, in its own language. Takes long the first time."""
    import holidays  # noqa: PLC0415 - 0.3 s and 12 MB, only for who chose a country

    years = range(first_year, last_year + 1)
    return dict(sorted(holidays.country_holidays(country, years=years).items()))


async def special_days_of_accounts(
    database: Database, beside: Beside, now: datetime
) -> Mapping[int, SpecialDays]:
    """Give the special days of each followed account: those of the guilds that follow it, and its own."""
    async with database.read() as conn:
        marked = await special.events(conn)
        countries = await special.countries(conn)
        followed = await store.subscriptions_of(conn, active=True)
    names = sorted(set(countries.values()))
    years = now.year - 1, now.year + 1
    found = await beside(lambda: {name: public_holidays(name, *years) for name in names}) if names else {}
    days: dict[int, dict[date, str]] = {}
    for row in followed:
        of_account = days.setdefault(row.account_id, {})
        of_account.update(found.get(countries.get(row.guild_id, ""), {}))
        of_account.update(
            (one.event.day, one.event.name)
            for one in marked
            if one.guild_id == row.guild_id and one.account_id in {None, row.account_id}
        )
    return {account_id: SpecialDays(names=names) for account_id, names in days.items() if names}
