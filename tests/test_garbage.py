"""What stays is kept from the garbage collector once, and what comes later is not."""

from __future__ import annotations

import gc

import pytest

from bot import garbage


@pytest.fixture
def collector():
    gc.unfreeze()
    yield gc
    gc.unfreeze()


async def test_servers_are_set_aside_the_first_time_only(collector):
    def walked(one: object) -> bool:
        return any(found is one for found in collector.get_objects())

    set_aside = garbage.set_aside_once()
    first, second = [object()], [object()]
    assert walked(first)
    await set_aside()
    assert not walked(first)
    second.append(first)
    later = [second]
    await set_aside()
    assert walked(later)


def test_modules_are_set_aside(collector):
    stays = [object()]
    garbage.set_aside()
    assert not any(found is stays for found in collector.get_objects())
