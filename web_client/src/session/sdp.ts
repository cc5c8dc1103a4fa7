/** The little that must be said in SDP because no API says it. */

const WANTED_OPUS: readonly (readonly [name: string, value: string])[] = [
  ['useinbandfec', '1'],
  ['usedtx', '1'],
];

/** Adds what is missing to the format parameters of one payload type of an m-section; a line of its own if there is none. */
function withParameters(section: string, payloadType: string, wanted: readonly (readonly [string, string])[]): string {
  const end = section.includes('\r\n') ? '\r\n' : '\n';
  const lines = section.split(end);
  const prefix = `a=fmtp:${payloadType} `;
  const at = lines.findIndex((line) => line.startsWith(prefix));
  const present = at < 0 ? [] : (lines[at]?.slice(prefix.length).split(';') ?? []);
  const names = new Set(present.map((parameter) => parameter.split('=')[0]?.trim()));
  const all = [...present, ...wanted.filter(([name]) => !names.has(name)).map(([name, value]) => `${name}=${value}`)];
  if (at >= 0) lines[at] = prefix + all.join(';');
  else lines.splice(lines.findIndex((line) => line.startsWith(`a=rtpmap:${payloadType} `)) + 1, 0, prefix + all.join(';'));
  return lines.join(end);
}

/** Completes every payload type of the m-sections of `kind` whose rtpmap names one of `codecs`. */
function complete(sdp: string, kind: string, codecs: RegExp, wanted: readonly (readonly [string, string])[]): string {
  return sdp
    .split(/(?=^m=)/m)
    .map((section) => {
      if (!section.startsWith(`m=${kind} `)) return section;
      const payloadTypes = [...section.matchAll(/^a=rtpmap:(\d+) ([^/\s]+)\//gm)]
        .filter(([, , codec]) => codecs.test(codec ?? ''))
        .map(([, payloadType]) => payloadType ?? '');
      return payloadTypes.reduce((text, payloadType) => withParameters(text, payloadType, wanted), section);
    })
    .join('');
}

/**
 * Opus with in-band FEC and DTX (RFC 7587 §6.1) in an answer: a browser encodes as the remote description asks, so
 * this is where the sender is told. Parameters that are there stay as they are.
 */
export function withOpusFecAndDtx(sdp: string): string {
  return complete(sdp, 'audio', /^opus$/i, WANTED_OPUS);
}

/**
 * Chromium's estimate starts at 300 kbit/s; a first full-screen picture then takes seconds to become sharp. The
 * server is on a known, wide line, so the first key frame may go out at once and the estimate corrects it.
 */
export function withStartBitrate(sdp: string, kilobits: number): string {
  return complete(sdp, 'video', /^(VP8|VP9|H264|AV1)$/i, [['x-google-start-bitrate', String(kilobits)]]);
}
