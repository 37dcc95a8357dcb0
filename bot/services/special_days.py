"""Days that are not like others: the public holidays of a guild's country, and what its admins added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.core.live.factors import FactorsPolicy, SpecialDays
from bot.core.live.planner import Policy, Watched
from bot.core.live.policies import Policies
from bot.storage import special
from bot.storage.engine import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """What admins marked, and the countries (ISO codes of two letters) they chose, by guild."""

    marked: Sequence[special.Marked]
    countries: Mapping[int, str]


def has_holidays(country: str) -> bool:
    """Say whether the holidays of a country (ISO code of two letters) are known. Takes long the first time."""
    import holidays  # noqa: PLC0415 - 0.3 s and 12 MB, only for who chose a country

    return country in holidays.list_supported_countries(include_aliases=False)


def public_holidays(country: str, first_year: int, last_year: int) -> Mapping[date, str]:
    """Give the public holidays of a country, in its own language. Takes long the first time.

    There are none of a country that the library no longer knows.
    """
    import holidays  # noqa: PLC0415 - 0.3 s and 12 MB, only for who chose a country

    if not has_holidays(country):
        return {}
    years = range(first_year, last_year + 1)
    return dict(sorted(holidays.country_holidays(country, years=years).items()))


async def load_calendar(conn: Connection) -> Calendar:
    """Read the special days and the countries of all guilds."""
    return Calendar(marked=await special.events(conn), countries=await special.countries(conn))


def mark_special_days(policy: Policy, accounts: Sequence[Watched], calendar: Calendar, now: datetime) -> None:
    """Tell the policy of five factors which days are special. Takes long the first time."""
    factors = policy.working("factors") if isinstance(policy, Policies) else None
    if isinstance(factors, FactorsPolicy):
        factors.set_special_days(special_days_of(accounts, calendar, now))


def special_days_of(
    accounts: Sequence[Watched], calendar: Calendar, now: datetime
) -> Mapping[int, SpecialDays]:
    """Give the special days of each account: those of the guilds that follow it, and its own."""
    followers = {guild_id for account in accounts for guild_id in account.guild_ids}
    countries = {guild_id: name for guild_id, name in calendar.countries.items() if guild_id in followers}
    found = {name: public_holidays(name, now.year - 1, now.year + 1) for name in set(countries.values())}
    days: dict[int, SpecialDays] = {}
    for account in accounts:
        names: dict[date, str] = {}
        for guild_id in sorted(account.guild_ids):
            names.update(found.get(countries.get(guild_id, ""), {}))
        names.update(
            (one.event.day, one.event.name)
            for one in calendar.marked
            if one.guild_id in account.guild_ids and one.account_id in {None, account.account_id}
        )
        if names:
            days[account.account_id] = SpecialDays(names=names)
    return days
