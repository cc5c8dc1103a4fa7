/** The little that must be said in SDP because no API says it. */

/**
 * Opus with in-band FEC and DTX (RFC 7587 §6.1) in an answer: a browser encodes as the remote description asks, so
 * this is where the sender is told. Parameters that are there stay as they are.
 */
export function withOpusFecAndDtx(sdp: string): string {
  return sdp.replace(/^a=rtpmap:(\d+) opus\/48000\/2\r?$/gim, (line, payloadType: string) => {
    const marker = `\u0000${payloadType}`;
    return `${line}${marker}`;
  }).split('\u0000').reduce((before, rest) => {
    const payloadType = /^\d+/.exec(rest)?.[0] ?? '';
    return before + completeFmtp(rest.slice(payloadType.length), payloadType);
  });
}

function completeFmtp(section: string, payloadType: string): string {
  const fmtp = new RegExp(`^a=fmtp:${payloadType} (.*?)(\\r?)$`, 'm');
  const wanted = { useinbandfec: '1', usedtx: '1' };
  const found = fmtp.exec(section);
  if (found === null) {
    const parameters = Object.entries(wanted).map(([key, value]) => `${key}=${value}`).join(';');
    return section.replace(/^\r?\n/, (end) => `${end}a=fmtp:${payloadType} ${parameters}${end}`);
  }
  const present = new Set((found[1] ?? '').split(';').map((part) => part.split('=')[0]?.trim()));
  const missing = Object.entries(wanted).filter(([key]) => !present.has(key)).map(([key, value]) => `${key}=${value}`);
  if (missing.length === 0) return section;
  return section.replace(fmtp, (_line, parameters: string, end: string) =>
    `a=fmtp:${payloadType} ${[parameters, ...missing].join(';')}${end}`);
}

/**
 * Chromium's estimate starts at 300 kbit/s; a first full-screen picture then takes seconds to become sharp. The
 * server is on a known, wide line, so the first key frame may go out at once and the estimate corrects it.
 */
export function withStartBitrate(sdp: string, kilobits: number): string {
  return sdp
    .split(/(?=^m=)/m)
    .map((section) => (section.startsWith('m=video') ? startBitrateOf(section, kilobits) : section))
    .join('');
}

function startBitrateOf(section: string, kilobits: number): string {
  const end = section.includes('\r\n') ? '\r\n' : '\n';
  const parameter = `x-google-start-bitrate=${kilobits}`;
  return section.replace(/^a=rtpmap:(\d+) (VP8|VP9|H264|AV1)\/90000\r?\n/gim, (line, payloadType: string) => {
    const hasFmtp = new RegExp(`^a=fmtp:${payloadType} `, 'm').test(section);
    return hasFmtp ? line : `${line}a=fmtp:${payloadType} ${parameter}${end}`;
  }).replace(/^(a=fmtp:\d+ )(?!apt=)(?!x-google-start-bitrate)(.*?)(\r?)$/gm, (line, head: string, rest: string, cr: string) =>
    line.includes('x-google-start-bitrate') ? line : `${head}${rest};${parameter}${cr}`);
}
