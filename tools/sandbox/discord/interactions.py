"""How a bot answers an interaction: the callback within 3 s, then the webhook of its token for 15 minutes."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any, Final

from tools.sandbox.discord import asking, compose, mentions, payloads
from tools.sandbox.discord.components import check_modal, number_components
from tools.sandbox.discord.errors import ApiError, invalid, too_long
from tools.sandbox.discord.messages import change
from tools.sandbox.discord.rest import Call, Route
from tools.sandbox.discord.world import EPHEMERAL, LOADING, Interaction, Message, Pings

MESSAGE, DEFER_MESSAGE, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
COMMAND, COMPONENT, AUTOCOMPLETE, SUBMIT = 2, 3, 4, 5
_ANSWERS: Final = {
    COMMAND: (MESSAGE, DEFER_MESSAGE, MODAL),
    COMPONENT: (MESSAGE, DEFER_MESSAGE, DEFER_UPDATE, UPDATE, MODAL),
    AUTOCOMPLETE: (CHOICES,),
    SUBMIT: (MESSAGE, DEFER_MESSAGE),
}
_WEBHOOK: Final = "/webhooks/{webhook_id}/{webhook_token}"


def routes() -> list[Route]:
    found = [
        Route(
            method="POST",
            path="/interactions/{interaction_id}/{interaction_token}/callback",
            handler=callback,
            token_in_path=True,
            limited=False,
        ),
        Route(method="POST", path=_WEBHOOK, handler=follow_up, token_in_path=True),
    ]
    for which in ("@original", "{message_id}"):
        path = f"{_WEBHOOK}/messages/{which}"
        found += [
            Route(method="GET", path=path, handler=get_message, token_in_path=True),
            Route(method="PATCH", path=path, handler=edit_message, token_in_path=True),
            Route(method="DELETE", path=path, handler=delete_message, token_in_path=True),
        ]
    return found


def callback(call: Call) -> dict[str, Any] | None:
    """Raises ApiError 10062 when it is too late, 40060 when it was answered before."""
    service, data = call.service, call.data
    interaction = service.world.interactions.get(call.id("interaction_id"))
    if interaction is None or interaction.token != call.params["interaction_token"]:
        raise ApiError(10062)
    if interaction.acked_at is not None:
        raise ApiError(40060)
    if call.at - interaction.created_at > timedelta(seconds=service.ack_seconds):
        raise ApiError(10062)
    if data["type"] not in _allowed(interaction):
        raise invalid("type", "BASE_TYPE_CHOICES", f"Value must be one of {_allowed(interaction)}.")
    _ANSWERING[data["type"]](call, interaction)
    interaction.answer_type, interaction.acked_at = data["type"], call.at
    service.feed.touch()
    if call.query.get("with_response", "").lower() not in ("1", "true"):
        return None
    return asking.interaction_answer(service.world, interaction)


def _allowed(interaction: Interaction) -> tuple[int, ...]:
    """A modal that a component opened may also update the component's message."""
    on_message = interaction.type == SUBMIT and interaction.message_id is not None
    return _ANSWERS[interaction.type] + ((DEFER_UPDATE, UPDATE) if on_message else ())


def _content(call: Call) -> compose.Body:
    """The message in a callback: its `data`, with the request's files."""
    return compose.Body(data=call.data.get("data") or {}, uploads=call.body.uploads)


def _answer_message(call: Call, interaction: Interaction) -> None:
    interaction.original_id = _create(call, interaction, _content(call)).id
    interaction.filled = True


def _answer_later(call: Call, interaction: Interaction) -> None:
    """A placeholder: the client shows that the bot is thinking."""
    asked = (call.data.get("data") or {}).get("flags") or 0
    placeholder = _blank(call, interaction, (asked & EPHEMERAL) | LOADING)
    call.service.world.messages[placeholder.id] = placeholder
    interaction.original_id = placeholder.id
    call.service.thinking(placeholder)


def _update_later(_: Call, interaction: Interaction) -> None:
    interaction.original_id = interaction.message_id
    interaction.filled = True


def _update(call: Call, interaction: Interaction) -> None:
    message = call.service.world.messages[interaction.message_id or 0]
    change(_with_body(call, _content(call)), message)
    interaction.original_id, interaction.filled = message.id, True


def _offer_choices(call: Call, interaction: Interaction) -> None:
    choices = call.data["data"].get("choices") or []
    if len(choices) > 25:
        raise too_long("data.choices", 25)
    interaction.answer = {"choices": choices}


def _open_modal(call: Call, interaction: Interaction) -> None:
    modal = call.data["data"]
    check_modal(modal)
    interaction.answer = modal | {"components": number_components(modal["components"])}


_ANSWERING: Final = {
    MESSAGE: _answer_message,
    DEFER_MESSAGE: _answer_later,
    DEFER_UPDATE: _update_later,
    UPDATE: _update,
    CHOICES: _offer_choices,
    MODAL: _open_modal,
}


def _with_body(call: Call, body: compose.Body) -> Call:
    return dataclasses.replace(call, body=body)


def _blank(call: Call, interaction: Interaction, flags: int) -> Message:
    world = call.service.world
    return Message(
        id=world.new_id(),
        channel_id=interaction.channel_id,
        author_id=world.bot.id,
        created_at=world.clock.now(),
        flags=flags,
        interaction_id=interaction.id,
    )


def _create(call: Call, interaction: Interaction, body: compose.Body) -> Message:
    asked = (body.data or {}).get("flags") or 0
    message = _blank(call, interaction, asked & EPHEMERAL)
    _fill(call, message, body)
    return message


def _fill(call: Call, message: Message, body: compose.Body) -> None:
    """Give a new message or a placeholder its content; only now does anybody see it and get pinged."""
    world = call.service.world
    allowed = (body.data or {}).get("allowed_mentions")
    mentions.check(allowed)
    compose.fill(world, message, body)
    message.flags &= ~LOADING
    channel = world.channels[message.channel_id]
    message.pings = Pings() if message.ephemeral else mentions.pings(world, channel, message, allowed)
    world.messages[message.id] = message
    call.service.message_changed(message, "posted")


def _interaction(call: Call) -> Interaction:
    """The interaction of the webhook. Raises ApiError 10015 (none, or not answered yet) or 50027 (too old)."""
    world = call.service.world
    for interaction in world.interactions.values():
        if interaction.token == call.params["webhook_token"] and call.id("webhook_id") == world.bot.id:
            if call.at - interaction.created_at > timedelta(seconds=call.service.token_seconds):
                raise ApiError(50027)
            if interaction.acked_at is None:
                raise ApiError(10015)
            return interaction
    raise ApiError(10015)


def follow_up(call: Call) -> dict[str, Any] | None:
    """The first one after a deferred answer fills the placeholder, whatever flags it carries."""
    interaction = _interaction(call)
    world = call.service.world
    placeholder = world.messages.get(interaction.original_id or 0)
    if placeholder is not None and not interaction.filled and not placeholder.deleted:
        message = placeholder
        _fill(call, message, call.body)
        interaction.filled = True
    else:
        message = _create(call, interaction, call.body)
        interaction.followup_ids.append(message.id)
    call.service.feed.touch()
    if call.query.get("wait", "").lower() not in ("1", "true"):
        return None
    return payloads.message(world, message)


def _message(call: Call, interaction: Interaction) -> Message:
    """``@original`` or one of the followups. Raises ApiError 10008."""
    wanted = interaction.original_id
    if "message_id" in call.params:
        wanted = call.id("message_id")
    message = call.service.world.messages.get(wanted or 0)
    if (
        message is None
        or message.deleted
        or wanted not in (interaction.original_id, *interaction.followup_ids)
    ):
        raise ApiError(10008)
    return message


def get_message(call: Call) -> dict[str, Any]:
    return payloads.message(call.service.world, _message(call, _interaction(call)))


def edit_message(call: Call) -> dict[str, Any]:
    interaction = _interaction(call)
    message = _message(call, interaction)
    if message.id == interaction.original_id and not interaction.filled:
        _fill(call, message, call.body)
        interaction.filled = True
    else:
        change(call, message)
        interaction.edits += 1
    call.service.feed.touch()
    return payloads.message(call.service.world, message)


def delete_message(call: Call) -> None:
    message = _message(call, _interaction(call))
    message.deleted = True
    call.service.message_changed(message, "deleted")
