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

export function readConfig(script: HTMLScriptElement | null): EmbedConfig {
  const data = script?.dataset ?? {};
  return {
    server: new URL(script?.src ?? window.location.href, window.location.href).origin,
    token: data.token ?? '',
    page: data.page ?? '',
    business: data.business ?? '',
    iceTransportPolicy: data.iceTransportPolicy === 'relay' ? 'relay' : 'all',
    direct: data.direct === '1',
  };
}

export const contextTag = ({ page, business }: EmbedConfig): string => [page, business].filter((part) => part !== '').join('-');
