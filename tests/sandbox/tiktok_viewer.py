"""An unmodified TikTokLive client as a program: it watches @USER and prints what it hears, a line of JSON each.

``python tiktok_viewer.py WWW WEBCAST SIGN USER``; the addresses are what the stand-in announced.
"""

from __future__ import annotations

import asyncio
import json
import sys

from TikTokLive import TikTokLiveClient
from TikTokLive import events as heard
from TikTokLive.client.web.web_settings import WebDefaults


def tell(event: str, **facts) -> None:
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


def who(event) -> dict:
    return {"id": event.user.id, "handle": event.user.unique_id, "nickname": event.user.nickname}


def listen(client: TikTokLiveClient) -> None:
    def on(event_class, facts):
        client.add_listener(event_class, lambda event: tell(event_class.__name__, **facts(event)))

    on(heard.ConnectEvent, lambda e: {"unique_id": e.unique_id, "room_id": e.room_id})
    on(heard.CommentEvent, lambda e: {"text": e.content, "user": who(e), "msg_id": e.common.msg_id})
    on(heard.LikeEvent, lambda e: {"count": e.count, "total": e.total, "handle": e.user.unique_id})
    on(heard.RoomUserSeqEvent, lambda e: {"total": e.total, "total_user": e.total_user})
    on(heard.JoinEvent, lambda e: {"handle": e.user.unique_id, "viewers": e.member_count})
    on(
        heard.GiftEvent,
        lambda e: {
            "name": e.gift.name,
            "repeat_count": e.repeat_count,
            "repeat_end": e.repeat_end,
            "streaking": e.streaking,
            "value": e.value,
            "group_id": e.group_id,
        },
    )
    on(heard.FollowEvent, lambda e: {"handle": e.user.unique_id, "followers": e.follow_count})
    on(heard.ShareEvent, lambda e: {"handle": e.user.unique_id})
    on(heard.UnknownEvent, lambda e: {"methods": [message.method for message in e.raw.messages]})
    on(heard.LiveEndEvent, lambda e: {"action": int(e.action)})
    on(heard.DisconnectEvent, lambda _: {})


async def watch(user: str) -> None:
    client = TikTokLiveClient(user, web_kwargs={"signer_kwargs": {"sign_api_key": "secret-key"}})
    listen(client)
    tell("is_live", live=await client.is_live())
    tell("who", unique_id=await client.web.fetch_user_unique_id(7_000_000_000_000_000_001))
    # Everything optional is on, so that every address the library knows is asked for.
    task = await client.start(fetch_room_info=True, fetch_gift_info=True)
    tell("room_info", title=client.room_info["title"], gifts=len(client.gift_info["gifts"]))
    await task
    await client.disconnect()
    await client.web.close()
    await client.web.signer.sdk_client.get_async_httpx_client().aclose()
    tell("done")


def main() -> None:
    WebDefaults.tiktok_app_url, WebDefaults.tiktok_webcast_url, WebDefaults.tiktok_sign_url = sys.argv[1:4]
    asyncio.run(watch(sys.argv[4]))


if __name__ == "__main__":
    main()
