// Notes when each step of a call happened in this page, in milliseconds since the epoch (shared by all pages of a machine).
// Installed before the page's own scripts; changes nothing the page does.
(() => {
  const now = () => performance.timeOrigin + performance.now();
  let steps = {};
  const note = (name, at = now()) => {
    steps[name] ??= at;
  };

  window.addEventListener(
    "click",
    (event) => {
      const pressed = event.composedPath().find((one) => one.dataset?.testid);
      if (pressed) note(`press:${pressed.dataset.testid}`);
    },
    { capture: true },
  );

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...configuration) {
      super(...configuration);
      this.addEventListener("track", ({ track }) => {
        if (track.kind !== "video") return;
        track.addEventListener("unmute", () => note("first_packet"));
      });
      this.addEventListener("iceconnectionstatechange", () => {
        if (["connected", "completed"].includes(this.iceConnectionState)) note(`${this.side}:ice`);
      });
      this.addEventListener("connectionstatechange", () => {
        if (this.connectionState === "connected") note(`${this.side}:dtls`);
      });
    }

    async setLocalDescription(...description) {
      const result = await super.setLocalDescription(...description);
      if (this.localDescription?.type === "offer") {
        this.side = "publish";
        if (sends(this.localDescription.sdp)) note("offer");
      }
      return result;
    }

    async setRemoteDescription(description) {
      if (description.type === "offer") this.side = "subscribe";
      const result = await super.setRemoteDescription(description);
      if (description.type === "answer" && sends(this.localDescription?.sdp ?? "")) note("answer");
      return result;
    }
  };
  const sends = (sdp) => sdp.split(/^(?=m=)/m).some((part) => part.startsWith("m=video") && part.includes("a=sendonly"));

  const capture = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const stream = await capture(constraints);
    note("captured");
    return stream;
  };

  const request = HTMLVideoElement.prototype.requestVideoFrameCallback;
  HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {
    return request.call(this, (moment, metadata) => {
      // Only frames off the network have it.
      if (metadata.receiveTime !== undefined) {
        note("frame_received", performance.timeOrigin + metadata.receiveTime);
        note("frame_decoded", performance.timeOrigin + metadata.receiveTime + (metadata.processingDuration ?? 0) * 1000);
        note("frame_shown", performance.timeOrigin + metadata.presentationTime);
      }
      callback(moment, metadata);
    });
  };

  window.callSetup = {
    steps: () => steps,
    clear() {
      steps = {};
    },
  };
})();
