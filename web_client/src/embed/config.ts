import { debugWanted } from '@/session/debug';

/** What the host page says on the script tag: `<script src="https://…/embed.js" data-token="…" data-page="…" data-business="…">`. */
export interface EmbedConfig {
  /** Origin of the server: where the script came from. */
  readonly server: string;
  readonly token: string;
  /** Which page and which business the person is at (W1). */
  readonly page: string;
  readonly business: string;
  readonly iceTransportPolicy: RTCIceTransportPolicy;
  /** Choose an agent from a list instead of queueing; for demonstrations and tests of the media. */
  readonly direct: boolean;
}

/** A test cannot change the host page's script tag. */
const relayForTests = (): boolean => debugWanted() && new URLSearchParams(window.location.search).get('ice') === 'relay';

export function readConfig(script: HTMLScriptElement | null): EmbedConfig {
  const data = script?.dataset ?? {};
  return {
    server: new URL(script?.src ?? window.location.href, window.location.href).origin,
    token: data.token ?? '',
    page: data.page ?? '',
    business: data.business ?? '',
    iceTransportPolicy: data.iceTransportPolicy === 'relay' || relayForTests() ? 'relay' : 'all',
    direct: data.direct === '1',
  };
}

export const contextTag = ({ page, business }: EmbedConfig): string => [page, business].filter((part) => part !== '').join('-');
