"""What the bot lives through while it is killed: a few real stories that together pass every point.

A story drives the bot and its stand-ins to an end and says what must stand there then; the oracle does the rest.
To reach a new point, add the line to a story that makes the bot pass it; a new story is one more entry in the
`TOLD` of the file of its topic, a new file one more line here.
"""

from __future__ import annotations

from tests.kill.stories import (
    channels,
    commands,
    exports,
    lives,
    media,
    notified,
    notify,
    old_lives,
    places,
    players,
    profile_commands,
    profile_queue,
    profile_report,
    profile_runs,
    recordings,
    rounds,
    upkeep,
)

STORIES = {
    # Those with the most deaths begin, so that none is told alone in the end.
    **lives.TOLD,
    **rounds.TOLD,
    **channels.TOLD,
    **places.TOLD,
    **recordings.TOLD,
    **commands.TOLD,
    **profile_commands.TOLD,
    **profile_queue.TOLD,
    **media.TOLD,
    **notify.TOLD,
    **notified.TOLD,
    **players.TOLD,
    **old_lives.TOLD,
    **upkeep.TOLD,
    **exports.TOLD,
    **profile_runs.TOLD,
    **profile_report.TOLD,
}
