"""What an administrator prepares before a story: the settings of a centre, over the same REST the page uses."""

from __future__ import annotations

from playwright.async_api import BrowserContext

from tests.harness.browser import sign_in

_CHANGE = """async ([centreId, settings]) => {
  const {token} = await (await fetch('/api/session')).json();
  const headers = {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'};
  const whole = await (await fetch('/api/organisation', {headers})).json();
  const centre = whole.centres.find((one) => one.centre_id === centreId);
  const {name, time_zone, authorities, week, holidays} = centre;
  const body = {name, time_zone, authorities, week, holidays, settings: {...centre.settings, ...settings}};
  const answer = await fetch(`/api/organisation/centres/${centreId}`, {method: 'PUT', headers, body: JSON.stringify(body)});
  if (!answer.ok) throw new Error(await answer.text());
}"""


async def set_centre(context: BrowserContext, url: str, centre_id: str, **settings: int | str) -> None:
    """Change these settings of a centre (``rtc_server.rest.administration.SettingsBody``) and leave the others."""
    page = await sign_in(context, url, "admin", "/admin")
    await page.evaluate(_CHANGE, [centre_id, settings])
    await page.close()
