from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.charts import ChartSpec
from bot.core.streams.activities import WEIGHTS, Activity
from bot.core.streams.findings import LAGS, Effect, Evidence, Findings, Role
from bot.core.streams.influence_posts import (
    ShownFindings,
    findings_chart,
    findings_pages,
    findings_title,
    why,
)


def found(*effects: Effect, lives: int = 1) -> Findings:
    told = {one.activity for one in effects}
    nothing = [
        Effect(activity=one, role=Role.NOTHING, lag=2, r=0.1, p=0.8, by_lag=(0.1,) * len(LAGS))
        for one in WEIGHTS
        if one not in told
    ]
    return Findings(evidence=Evidence.ENOUGH, minutes=179, lives=lives, effects=(*effects, *nothing))


def effect(activity: Activity, role: Role, lag: int, **values: float) -> Effect:
    usual = {"r": 0.4, "low": 0.25, "high": 0.52, "p": 0.01}
    return Effect(activity=activity, role=role, lag=lag, by_lag=(0.2,) * len(LAGS), **{**usual, **values})


GIFTS = effect(Activity.GIFTS, Role.LEADS, 3)
LIKES = effect(Activity.LIKES, Role.FOLLOWS, -1)


@pytest.mark.parametrize(
    ("findings", "sentence"),
    [
        (
            found(GIFTS, LIKES),
            (
                "Gifts lead viewer growth by about 3 minutes (moderate, p = 0.01); "
                "likes follow viewers, they do not lead."
            ),
        ),
        (found(), "No activity explains the viewers tonight."),
        (found(lives=4), "No activity explains the viewers of these lives."),
        (
            found(LIKES),
            "No activity explains the viewers tonight; likes follow viewers, they do not lead.",
        ),
        (
            found(replace(GIFTS, lag=1, r=0.6, p=0.0025), effect(Activity.SHARES, Role.LEADS, 5, r=-0.2)),
            (
                "Gifts lead viewer growth by about 1 minute (strong, p = 0.003); "
                "shares come about 5 minutes before viewers leave (weak, p = 0.01)."
            ),
        ),
        (
            found(GIFTS, replace(LIKES, role=Role.TOGETHER, lag=0)),
            (
                "Gifts lead viewer growth by about 3 minutes (moderate, p = 0.01); "
                "likes move together with the viewers, what comes first cannot be told."
            ),
        ),
        (
            Findings(evidence=Evidence.SHORT, minutes=1),
            "Too little was recorded to say what moved the viewers (1 minute).",
        ),
        (
            Findings(evidence=Evidence.THINNED, minutes=0),
            "Only sums of several minutes are kept of this live: too coarse to say what moved viewers.",
        ),
    ],
)
def test_the_sentence(findings, sentence):
    assert why(findings) == sentence


def shown(findings: Findings, **values) -> ShownFindings:
    return ShownFindings(handle="ana", nickname="*Ana*", findings=findings, **values)


def test_the_page_has_a_line_for_each_activity():
    rare = Effect(activity=Activity.SHARES, role=Role.RARE)
    (page,) = findings_pages(shown(found(replace(GIFTS, simple=0.4), LIKES, rare)))
    assert "**Gifts** · 3 minutes before viewers · moderate · r +0.40 (+0.25 to +0.52) · p = 0.01" in page
    assert "· simple +0.40" in page
    assert "**Likes** · 1 minute after viewers" in page
    assert "**Comments** · no lead (closest: 2 minutes) · p = 0.80" in page
    assert "**Shares** · too rare to tell" in page
    assert "What comes first need not be the cause." in page


def test_what_is_not_sure_has_no_strength():
    (page,) = findings_pages(shown(found()))
    assert "weak" not in page


def test_the_name_of_the_account_cannot_format_the_page():
    assert findings_title(shown(found())) == r"\*Ana\* · why viewers moved"


def test_the_chart_names_every_activity_that_was_judged_and_survives_json():
    rare = Effect(activity=Activity.SHARES, role=Role.RARE)
    chart = findings_chart(shown(found(GIFTS, rare)))
    assert [row.label for row in chart.rows] == ["Gifts", "Comments", "Likes", "Follows"]
    assert len(chart.columns) == len(LAGS)
    assert [one for one in chart.columns if one] == ["-10", "-5", "0", "+5", "+10"]
    assert ChartSpec.from_json(chart.to_json()) == chart


def test_without_anything_to_tell_there_is_no_chart():
    assert findings_chart(shown(Findings(evidence=Evidence.SHORT, minutes=3))) is None
