"""What an administrator prepares before a story: the settings of a centre, over the same REST the page uses."""

from __future__ import annotations

from playwright.async_api import BrowserContext

from tests.harness.browser import sign_in

_CHANGE = """async ([centreId, settings, always]) => {
  const {token} = await (await fetch('/api/session')).json();
  const headers = {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'};
  const whole = await (await fetch('/api/organisation', {headers})).json();
  const centre = whole.centres.find((one) => one.centre_id === centreId);
  const {name, time_zone, authorities} = centre;
  const day = [{start: 0, end: 24 * 60}];
  const week = always ? [0, 1, 2, 3, 4, 5, 6].map((weekday) => ({weekday, shifts: day})) : centre.week;
  const holidays = always ? [] : centre.holidays;
  const body = {name, time_zone, authorities, week, holidays, settings: {...centre.settings, ...settings}};
  const answer = await fetch(`/api/organisation/centres/${centreId}`, {method: 'PUT', headers, body: JSON.stringify(body)});
  if (!answer.ok) throw new Error(await answer.text());
}"""


async def set_centre(context: BrowserContext, url: str, centre_id: str, **settings: int | str) -> None:
    """Change these settings of a centre (``rtc_server.rest.administration.SettingsBody``) and leave the others."""
    await _change(context, url, [centre_id, settings, False])


async def open_always(context: BrowserContext, url: str, centre_id: str) -> None:
    """The centre serves at any hour of any day, so that a story does not depend on when it is told."""
    await _change(context, url, [centre_id, {}, True])


async def _change(context: BrowserContext, url: str, change: list[object]) -> None:
    page = await sign_in(context, url, "admin", "/admin")
    await page.evaluate(_CHANGE, change)
    await page.close()
