"""Pictures of answers, drawn beside the event loop; an answer without its picture is still an answer."""

from __future__ import annotations

import logging

from bot.core.announcements import Message
from bot.core.charts import ChartSpec
from bot.errors import ChartFailed
from bot.ports import ChartRenderer

log = logging.getLogger(__name__)


class Pictures:
    """Draws what commands show."""

    def __init__(self, charts: ChartRenderer) -> None:
        self._charts = charts

    async def of(self, message: Message) -> bytes | None:
        """Draw the chart of a message, whose texts are said already; None where there is none or it failed."""
        return None if message.chart is None else await self.draw(message.chart)

    async def draw(self, chart: ChartSpec) -> bytes | None:
        """Draw a chart, whose texts are said already; None where it failed."""
        try:
            return await self._charts.render(chart)
        except ChartFailed as error:
            log.warning("An answer goes out without its picture: %s", error)
            return None
