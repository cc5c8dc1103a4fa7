import { CENTRE_HOME, CENTRE_PATHS, type CentreWay } from '@/messages';
import type { EmbedConfig } from './config';

export const openCentre = (config: EmbedConfig, way: CentreWay): void => openSignedIn(config, CENTRE_PATHS[way]);

export const openCentreHome = (config: EmbedConfig): void => openSignedIn(config, CENTRE_HOME);
/** The room of a mediation. */
export const openMeeting = (config: EmbedConfig, meetingId: string): void => openSignedIn(config, `/meeting/${encodeURIComponent(meetingId)}`);

/** 设备与网络检测, where one sees before a call whether it will do. */
export const openCheck = (config: EmbedConfig): void => openSignedIn(config, '/check');

/**
 * Opens a page of ours in a tab of its own, signed in as the person of the window: the token goes in the body of a form
 * (as OpenID's form_post does), never in an address. The server takes it from sites it knows.
 */
function openSignedIn({ server, token }: EmbedConfig, path: string): void {
  const form = document.createElement('form');
  form.method = 'post';
  form.action = `${server}/sign-in`;
  form.target = '_blank';
  form.hidden = true;
  for (const [name, value] of Object.entries({ token, to: path })) {
    const input = document.createElement('input');
    input.type = 'hidden';
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  form.submit();
  form.remove();
}
