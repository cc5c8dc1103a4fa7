// Chromium's own WebRTC without our page: two peer connections, numbered pictures out, numbers of pictures in.
// Frames go in and out by MediaStreamTrackGenerator and -Processor, so nothing depends on what a window shows.
(() => {
  const COLUMNS = 8;
  const ROWS = 4;
  const CHECK_BITS = 12;
  const BLACK = 16;
  const WHITE = 235;

  const table = Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k += 1) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n >>> 0;
  });
  const checksum = (number) => {
    let crc = 0xffffffff;
    for (const shift of [24, 16, 8, 0]) crc = table[(crc ^ (number >>> shift)) & 0xff] ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> (32 - CHECK_BITS);
  };

  // The layout of tests/harness/barcode.py.
  const draw = (number, width, height) => {
    const word = ((number << CHECK_BITS) | checksum(number)) >>> 0;
    const data = new Uint8Array((width * height * 3) / 2).fill(128);
    for (let y = 0; y < height; y += 1) {
      const row = Math.floor((y * ROWS) / height);
      for (let column = 0; column < COLUMNS; column += 1) {
        const white = (word >>> (31 - row * COLUMNS - column)) & 1;
        const from = y * width + Math.floor((column * width) / COLUMNS);
        data.fill(white ? WHITE : BLACK, from, y * width + Math.floor(((column + 1) * width) / COLUMNS));
      }
    }
    return data;
  };
  const read = (luma, width, height, stride) => {
    let word = 0;
    for (let row = 0; row < ROWS; row += 1) {
      for (let column = 0; column < COLUMNS; column += 1) {
        let sum = 0;
        let count = 0;
        for (let y = Math.floor(((3 * row + 1) * height) / 12); y < ((3 * row + 2) * height) / 12; y += 2) {
          for (let x = Math.floor(((3 * column + 1) * width) / 24); x < ((3 * column + 2) * width) / 24; x += 2) {
            sum += luma[y * stride + x];
            count += 1;
          }
        }
        word = ((word << 1) | (sum / count > (BLACK + WHITE) / 2 ? 1 : 0)) >>> 0;
      }
    }
    const number = word >>> CHECK_BITS;
    return (word & ((1 << CHECK_BITS) - 1)) === checksum(number) ? number : null;
  };

  const generate = (first, rate, width, height) => {
    const track = new MediaStreamTrackGenerator({ kind: "video" });
    const writer = track.writable.getWriter();
    let number = first;
    setInterval(() => {
      const timestamp = performance.now() * 1000;
      const frame = new VideoFrame(draw(number, width, height), {
        format: "I420",
        codedWidth: width,
        codedHeight: height,
        timestamp,
      });
      number += 1;
      writer.write(frame).catch(() => {});
    }, 1000 / rate);
    return track;
  };

  const state = { publisher: null, subscriber: null, received: {}, waiting: [] };
  const readable = (mid) => (state.received[mid] ?? []).filter((number) => number !== null);

  const consume = async (mid, track) => {
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    for (;;) {
      const { value: frame, done } = await reader.read();
      if (done) return;
      const { width, height } = frame.codedRect;
      const data = new Uint8Array(frame.allocationSize());
      const planes = await frame.copyTo(data);
      frame.close();
      state.received[mid].push(read(data.subarray(planes[0].offset), width, height, planes[0].stride));
      for (const waiter of [...state.waiting]) waiter();
    }
  };

  window.harness = {
    open(configuration) {
      state.publisher = new RTCPeerConnection(configuration);
      state.subscriber = new RTCPeerConnection(configuration);
      state.subscriber.addEventListener("track", ({ track, transceiver }) => {
        if (track.kind !== "video") return;
        state.received[transceiver.mid] = [];
        void consume(transceiver.mid, track);
      });
    },
    async offer({ first, rate, width, height }) {
      state.publisher.addTransceiver(generate(first, rate, width, height), { direction: "sendonly" });
      await state.publisher.setLocalDescription();
      const mids = state.publisher.getTransceivers().map((transceiver) => transceiver.mid);
      return { sdp: state.publisher.localDescription.sdp, mid: mids.at(-1) };
    },
    accept: (sdp) => state.publisher.setRemoteDescription({ type: "answer", sdp }),
    async answer(sdp) {
      await state.subscriber.setRemoteDescription({ type: "offer", sdp });
      await state.subscriber.setLocalDescription();
      return state.subscriber.localDescription.sdp;
    },
    received: (mid) => state.received[mid] ?? [],
    more: (mid, count) =>
      new Promise((resolve) => {
        const target = readable(mid).length + count;
        const look = () => {
          if (readable(mid).length < target) return;
          state.waiting = state.waiting.filter((waiter) => waiter !== look);
          resolve(readable(mid));
        };
        state.waiting.push(look);
        look();
      }),
    async path(name) {
      const report = await state[name].getStats();
      const all = [...report.values()];
      const transport = all.find((entry) => entry.type === "transport");
      const pair = transport && report.get(transport.selectedCandidatePairId);
      if (!pair) return null;
      const local = report.get(pair.localCandidateId);
      const remote = report.get(pair.remoteCandidateId);
      return {
        type: local.candidateType,
        protocol: local.protocol,
        relay_protocol: local.relayProtocol ?? null,
        remote_port: remote.port ?? null,
        state: state[name].connectionState,
      };
    },
    reached: (name, wanted) =>
      new Promise((resolve) => {
        const connection = state[name];
        const look = () => {
          if (connection.connectionState !== wanted) return;
          connection.removeEventListener("connectionstatechange", look);
          resolve();
        };
        connection.addEventListener("connectionstatechange", look);
        look();
      }),
    close() {
      state.publisher?.close();
      state.subscriber?.close();
    },
  };
})();
