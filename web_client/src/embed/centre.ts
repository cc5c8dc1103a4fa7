import { CENTRE_PATHS, type CentreWay } from '@/messages';
import type { EmbedConfig } from './config';

/**
 * Opens the personal centre in a tab of its own, signed in as the person of the window: the token goes in the body of a form
 * (as OpenID's form_post does), never in an address. The server takes it from sites it knows.
 */
export function openCentre({ server, token }: EmbedConfig, way: CentreWay): void {
  const form = document.createElement('form');
  form.method = 'post';
  form.action = `${server}/sign-in`;
  form.target = '_blank';
  form.hidden = true;
  for (const [name, value] of Object.entries({ token, to: CENTRE_PATHS[way] })) {
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
