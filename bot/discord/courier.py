"""What the bot asks Discord to do with a message: post, edit and delete it, publish it, open a thread below it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import discord

from bot.core.delivery import TOO_LATE, Event, Outgoing, Result, Step
from bot.core.markup import clip
from bot.discord.embeds import Drawn
from bot.discord.looking import Finder
from bot.discord.once import asked_once
from bot.discord.permissions import may_delete_posts, missing_to_open_thread
from bot.discord.places import ARCHIVED, UNKNOWN_CHANNEL, Places, Sendable
from bot.discord.results import result_of
from bot.texts import join, text

THREAD_NAME_LIMIT = 100
_UNKNOWN_MESSAGE = 10008
_PUBLISHED_ALREADY = 40033
_HAS_A_THREAD = 160004
_NOT_IN_THAT_THREAD = frozenset({UNKNOWN_CHANNEL, 50001, 50013, 160005})
"""What tells that a thread takes no message: it is gone, not to be seen or written in, or locked."""
_CLOSED = frozenset({ARCHIVED, 50013, 160005})
"""What tells that a thread is archived or locked, and not for the bot to open."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """A message as it is sent; `name` is what a thread is called, `thread_id` one that is meant for the message.

    Of `tag_ids` a forum's post gets the first that the forum has.
    """

    message: Outgoing
    drawn: Drawn
    name: str
    thread_id: int | None = None
    tag_ids: tuple[int, ...] = ()


class Courier:
    """Takes one step for one message. Raises what Discord answers (`bot.discord.results.TROUBLE`)."""

    def __init__(self, client: discord.Client, places: Places) -> None:
        self._client = client
        self._places = places
        self._finder = Finder(client, places)

    async def take(self, step: Step, parcel: Parcel) -> Result:
        """Take a step that shows the message."""
        steps: dict[Step, Callable[[Parcel], Awaitable[Result]]] = {
            Step.POST: self._post,
            Step.LOOK_THEN_POST: self._look_then_post,
            Step.LOOK_THEN_GIVE_UP: self._look_then_give_up,
            Step.EDIT: self._edit,
        }
        return await steps[step](parcel)

    async def finish(self, step: Step, message: Outgoing, name: str) -> Result:
        """Take a step that does not show the message anew; `name` is what a thread is called."""
        match step:
            case Step.REMOVE:
                return await self._remove(message)
            case Step.DELETE_OLD:
                return await self._delete_old(message)
            case Step.PUBLISH:
                return await self._publish(message)
            case Step.OPEN_THREAD:
                return await self._open_thread(message, name)
        return Result(event=Event.DONE)

    # --- What shows the message ---------------------------------------------------------------------------

    async def _post(self, parcel: Parcel) -> Result:
        message = parcel.message
        with_picture = parcel.drawn.picture is not None
        if lacks := self._places.lacks_to_post(message, with_picture=with_picture):
            return Result(
                event=Event.BLOCKED, reason=text("I lack {permissions}", permissions=join(", ", lacks))
            )
        if parcel.thread_id is not None:
            try:
                return await self._post_in_thread(parcel, parcel.thread_id)
            except discord.HTTPException as error:
                if error.code not in _NOT_IN_THAT_THREAD:
                    raise
                log.info("%s stands in its channel: its thread takes nothing (%s)", message.event_key, error)
        forum = self._places.known(message)
        if isinstance(forum, discord.ForumChannel):
            return await self._post_in_forum(parcel, forum)
        return await self._send(parcel, await self._places.main(message))

    async def _post_in_thread(self, parcel: Parcel, thread_id: int) -> Result:
        thread = self._places.thread(parcel.message, thread_id)
        sent = await self._places.opened(thread_id, lambda: self._send(parcel, thread))
        return Result(event=Event.SENT, message_id=sent.message_id, thread_id=thread_id)

    async def _send(self, parcel: Parcel, channel: Sendable) -> Result:
        drawn = parcel.drawn
        posted = await channel.send(
            content=drawn.content or None,
            embed=drawn.embed,
            view=drawn.view or discord.utils.MISSING,
            files=drawn.files(),
            nonce=parcel.message.nonce,
            allowed_mentions=_pinged(parcel.message),
        )
        return Result(event=Event.SENT, message_id=posted.id)

    async def _post_in_forum(self, parcel: Parcel, forum: discord.ForumChannel) -> Result:
        drawn = parcel.drawn
        there = {tag.id: tag for tag in forum.available_tags}
        tags = [there[tag_id] for tag_id in parcel.tag_ids if tag_id in there][:1]
        if forum.flags.require_tag and not tags:
            reason = text("the forum wants a tag on each post; choose one with `/notify edit`")
            return Result(event=Event.BLOCKED, reason=reason)
        with asked_once():
            made = await forum.create_thread(
                name=parcel.name,
                content=drawn.content or None,
                embed=drawn.embed,
                view=drawn.view or discord.utils.MISSING,
                files=drawn.files(),
                applied_tags=tags,
                allowed_mentions=_pinged(parcel.message),
            )
        return Result(event=Event.SENT, message_id=made.message.id, thread_id=made.thread.id)

    async def _look_then_post(self, parcel: Parcel) -> Result:
        return await self._finder.find(parcel.message, parcel.thread_id) or await self._post(parcel)

    async def _look_then_give_up(self, parcel: Parcel) -> Result:
        found = await self._finder.find(parcel.message, parcel.thread_id)
        return found or Result(event=Event.EXPIRED, reason=TOO_LATE)

    async def _edit(self, parcel: Parcel) -> Result:
        message, drawn = parcel.message, parcel.drawn
        if message.message_id is None:
            return Result(event=Event.GONE)
        channel = await self._places.standing(message)
        posted = channel.get_partial_message(message.message_id)

        async def edit() -> None:
            await posted.edit(
                content=drawn.content or None,
                embed=drawn.embed,
                view=drawn.view,
                attachments=drawn.files(),
                allowed_mentions=discord.AllowedMentions.none(),
            )

        try:
            await self._places.opened(_thread_of(message), edit)
        except discord.HTTPException as error:
            return self._kept_out(message, error)
        return Result(event=Event.EDITED)

    def _kept_out(self, message: Outgoing, error: discord.HTTPException) -> Result:
        """Say that a thread takes no edit, which tells nothing of its channel. Raises all else that Discord answers."""
        result = result_of(error)
        if message.in_thread and error.code == UNKNOWN_CHANNEL:
            return Result(event=Event.GONE, reason=result.reason)
        if message.in_thread and error.code in _CLOSED and not self._places.lacks(message):
            log.info("%s is not edited: its thread is closed (%s)", message.event_key, error)
            return Result(event=Event.EDITED, is_given_up=True, reason=text("the thread is locked"))
        raise error

    # --- What does not -------------------------------------------------------------------------------------

    async def _remove(self, message: Outgoing) -> Result:
        """Delete what was posted; what is gone already is fine.

        A forum's post goes whole where nobody answered and the bot may delete it, else its first message does and
        it is closed: what people wrote is theirs.
        """
        if message.begins_its_thread and message.thread_id is not None:
            await self._remove_post(message, message.thread_id)
        else:
            for message_id in dict.fromkeys((message.old_message_id, message.message_id)):
                await self._delete(message, message_id)
        return Result(event=Event.REMOVED)

    async def _remove_post(self, message: Outgoing, thread_id: int) -> None:
        forum = self._places.known(message)
        try:
            post = await self._client.fetch_channel(thread_id)
            if not isinstance(post, discord.Thread):
                return
            if forum is not None and may_delete_posts(forum) and not post.message_count:
                await post.delete()
                return
            await self._delete(message, message.message_id)
            if not post.archived:
                await _close(post)
        except discord.NotFound as error:
            if error.code != UNKNOWN_CHANNEL:
                raise

    async def _delete_old(self, message: Outgoing) -> Result:
        await self._delete(message, message.old_message_id)
        return Result(event=Event.DONE, step=Step.DELETE_OLD)

    async def _delete(self, message: Outgoing, message_id: int | None) -> None:
        if message_id is None:
            return
        channel = await self._places.standing(message)
        posted = channel.get_partial_message(message_id)
        try:
            await posted.delete()
        except discord.NotFound as error:
            if error.code not in {_UNKNOWN_MESSAGE, UNKNOWN_CHANNEL}:
                raise

    async def _publish(self, message: Outgoing) -> Result:
        posted = (await self._places.main(message)).get_partial_message(message.message_id or 0)
        try:
            await posted.publish()
        except discord.HTTPException as error:
            if error.code != _PUBLISHED_ALREADY:
                return _left_out(Step.PUBLISH, text("it is not published: {why}", why=_why(error)), error)
        return Result(event=Event.DONE, step=Step.PUBLISH)

    async def _open_thread(self, message: Outgoing, name: str) -> Result:
        channel, message_id = self._places.known(message), message.message_id or 0
        if channel is not None and (lacks := missing_to_open_thread(channel)):
            reason = text("the alerts have no thread: I lack {permissions}", permissions=join(", ", lacks))
            return Result(event=Event.DONE, step=Step.OPEN_THREAD, is_given_up=True, reason=reason)
        posted = (await self._places.main(message)).get_partial_message(message_id)
        try:
            await posted.create_thread(name=name)
        except discord.HTTPException as error:
            if error.code != _HAS_A_THREAD:
                why = text("the alerts have no thread: {why}", why=_why(error))
                return _left_out(Step.OPEN_THREAD, why, error)
        # A thread that begins with a message has its id.
        return Result(event=Event.DONE, step=Step.OPEN_THREAD, thread_id=message_id)


def thread_name(title: str) -> str:
    """Give what a thread is called; Discord shows no markdown there."""
    return clip(title.replace("\\", "").strip(), THREAD_NAME_LIMIT) or "…"


async def _close(post: discord.Thread) -> None:
    """Archive a post from which the bot's words are gone; one that a moderator locked stays as it is."""
    try:
        await post.edit(archived=True)
    except discord.HTTPException as error:
        if error.code not in _CLOSED:
            raise


def _pinged(message: Outgoing) -> discord.AllowedMentions:
    """Ping the role of a message, never where it is posted anew."""
    role = None if message.is_posted else message.message.mention_role_id
    pinged = [] if role is None else [discord.Object(role)]
    return discord.AllowedMentions(everyone=False, users=False, roles=pinged)


def _thread_of(message: Outgoing) -> int:
    is_inside = message.in_thread and message.thread_id is not None
    return message.thread_id if is_inside and message.thread_id is not None else message.channel_id


def _why(error: discord.HTTPException) -> str:
    return result_of(error).reason


def _left_out(step: Step, reason: str, error: discord.HTTPException) -> Result:
    """Say how it goes on after an error: what Discord will not do is left out, all else is tried again."""
    result = result_of(error)
    if result.event not in {Event.BLOCKED, Event.REFUSED}:
        return result
    return Result(event=Event.DONE, step=step, is_given_up=True, reason=reason)
