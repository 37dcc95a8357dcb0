"""What belongs together about recorded lives: asked for, found out, told."""

from __future__ import annotations

from dataclasses import dataclass

from bot.clock import Clock
from bot.services.announcements import Announcements
from bot.services.gifters import Gifters
from bot.services.live_monitor import LiveMonitor
from bot.services.machine import Machine
from bot.services.stream_findings import StreamFindings
from bot.services.stream_showing import ShowingRules, StreamShowing
from bot.services.stream_telling import StreamTelling
from bot.services.streams import Streams
from bot.settings import Settings
from bot.storage.engine import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedLives:
    """The services that read what the recorder wrote."""

    streams: Streams
    findings: StreamFindings
    telling: StreamTelling
    gifters: Gifters

    @classmethod
    def of(
        cls,
        settings: Settings,
        database: Database,
        announcements: Announcements,
        monitor: LiveMonitor,
        machine: Machine,
        *,
        clock: Clock,
    ) -> RecordedLives:
        """Build them; `machine` says which intervals are shown."""
        showing = StreamShowing(database, ShowingRules.of(settings, machine.pressure))
        findings = StreamFindings(database, clock)
        streams = Streams(
            database=database,
            showing=showing,
            announcements=announcements,
            clock=clock,
            changed=monitor.recordings_changed,
            default_time_zone=settings.time_zone,
        )
        telling = StreamTelling(
            database=database,
            announcements=announcements,
            findings=findings,
            showing=showing,
            clock=clock,
        )
        gifters = Gifters(
            database=database,
            clock=clock,
            default_time_zone=settings.time_zone,
            usd_per_diamond=settings.usd_per_diamond,
        )
        return cls(streams=streams, findings=findings, telling=telling, gifters=gifters)
