import { describe, expect, it } from 'vitest';
import { withOpusFecAndDtx, withStartBitrate } from '@/session/sdp';

const AUDIO = ['m=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=1', 'a=rtcp-fb:111 transport-cc', ''].join('\r\n');
const VIDEO = ['m=video 9 UDP/TLS/RTP/SAVPF 96 97 98', 'a=rtpmap:96 VP8/90000', 'a=rtpmap:97 rtx/90000', 'a=fmtp:97 apt=96', 'a=rtpmap:98 VP9/90000', 'a=fmtp:98 profile-id=0', ''].join('\r\n');

describe('Opus', () => {
  it('gets what is missing and keeps what is there', () => {
    expect(withOpusFecAndDtx(AUDIO)).toContain('a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n');
  });

  it('gets a line of its own when there is none', () => {
    const sdp = withOpusFecAndDtx(AUDIO.replace(/a=fmtp.*\r\n/, ''));
    expect(sdp).toContain('a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1;usedtx=1\r\n');
  });

  it('is left as it is when nothing is missing, and twice is as once', () => {
    const once = withOpusFecAndDtx(AUDIO);
    expect(withOpusFecAndDtx(once)).toBe(once);
  });

  it('in two m-lines is completed in both, and nothing else is touched', () => {
    const sdp = withOpusFecAndDtx(AUDIO + VIDEO + AUDIO);
    expect(sdp.match(/usedtx=1/g)).toHaveLength(2);
    expect(sdp).toContain(VIDEO);
  });
});

describe('start bitrate', () => {
  it('is said for every codec and not for retransmission', () => {
    const sdp = withStartBitrate(AUDIO + VIDEO, 1500);
    expect(sdp).toContain('a=rtpmap:96 VP8/90000\r\na=fmtp:96 x-google-start-bitrate=1500\r\n');
    expect(sdp).toContain('a=fmtp:98 profile-id=0;x-google-start-bitrate=1500\r\n');
    expect(sdp).toContain('a=fmtp:97 apt=96\r\n');
    expect(sdp.startsWith(AUDIO)).toBe(true);
  });

  it('is said once', () => {
    const once = withStartBitrate(VIDEO, 1500);
    expect(withStartBitrate(once, 1500)).toBe(once);
  });
});
