"""GStreamer's webrtcbin as a WHIP or WHEP device. A program of its own, run by the system's Python, which has GStreamer:

    python3 gst_device.py publish VP8|H264 ENDPOINT TOKEN CERTIFICATE
    python3 gst_device.py view VP8 ENDPOINT TOKEN CERTIFICATE

CERTIFICATE is a file with an ECDSA key and its certificate (PEM): of itself GStreamer makes an RSA one, see docs/whip.md.

It speaks the HTTP exchange itself (RFC 9725): an offer at once, candidates by PATCH, DELETE at the end of its standard input.
Pictures carry the numbers of ``barcode``; a viewer writes each number it reads as a line, and the peak of the sound in dB.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import ssl
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import gi

for part in ("Gst", "GstWebRTC", "GstSdp", "GstApp"):
    gi.require_version(part, "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

WIDTH, HEIGHT, RATE = 320, 180, 15
COLUMNS, ROWS, CHECK_BITS = 8, 4, 12
ENCODERS = {
    "VP8": "vp8enc deadline=1 keyframe-max-dist=60 target-bitrate=600000 ! rtpvp8pay picture-id-mode=2",
    "H264": (
        "openh264enc bitrate=600000 gop-size=60 ! video/x-h264,profile=constrained-baseline "
        "! rtph264pay config-interval=-1 aggregate-mode=zero-latency"
    ),
}
FRAGMENT = "application/trickle-ice-sdpfrag"


def word_of(number: int) -> int:
    check = binascii.crc32(number.to_bytes(4, "big")) >> (32 - CHECK_BITS)
    return number << CHECK_BITS | check


def draw(number: int) -> bytes:
    """I420, as ``barcode.draw``."""
    word, rows = word_of(number), []
    for row in range(ROWS):
        bits = [word >> (COLUMNS * ROWS - 1 - row * COLUMNS - column) & 1 for column in range(COLUMNS)]
        line = bytes(235 if bits[x * COLUMNS // WIDTH] else 16 for x in range(WIDTH))
        rows.append(line)
    luma = b"".join(rows[y * ROWS // HEIGHT] for y in range(HEIGHT))
    return luma + bytes([128]) * (WIDTH * HEIGHT // 2)


def read(luma: bytes, width: int, height: int, stride: int) -> int | None:
    word = 0
    for row in range(ROWS):
        for column in range(COLUMNS):
            y, x = (2 * row + 1) * height // (2 * ROWS), (2 * column + 1) * width // (2 * COLUMNS)
            word = word << 1 | int(luma[y * stride + x] > 125)
    number = word >> CHECK_BITS
    return number if word_of(number) == word else None


class Device:
    def __init__(self, mode: str, codec: str, endpoint: str, token: str, certificate: str) -> None:
        self.endpoint, self.token = endpoint, token
        self.session = self.etag = self.ufrag = self.pwd = ""
        self.waiting: list[str] = []
        self.offered = self.wanted = False
        self.certificate = Path(certificate).read_text()
        self.pipeline = self._publisher(codec) if mode == "publish" else Gst.Pipeline.new("view")
        if mode == "view":
            self.rtc = Gst.ElementFactory.make("webrtcbin", "rtc")
            self.rtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
            self.pipeline.add(self.rtc)
            self.rtc.connect("pad-added", self._on_pad)
            for caps in (
                f"application/x-rtp,media=video,encoding-name={codec},payload=100,clock-rate=90000",
                "application/x-rtp,media=audio,encoding-name=OPUS,payload=109,clock-rate=48000,encoding-params=(string)2",
            ):
                self.rtc.emit(
                    "add-transceiver",
                    GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY,
                    Gst.Caps.from_string(caps),
                )
        self.pipeline.connect("deep-element-added", self._on_element_added)
        self.rtc.connect("on-negotiation-needed", self._on_negotiation)
        self.rtc.connect("on-ice-candidate", self._on_candidate)
        self.rtc.connect("notify::connection-state", self._on_state)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self._on_error)
        bus.connect("message::element", self._on_element)

    def _publisher(self, codec: str) -> Any:
        payload = {"VP8": 100, "H264": 102}[codec]
        pipeline = Gst.parse_launch(
            "webrtcbin name=rtc bundle-policy=max-bundle "
            f"appsrc name=pictures is-live=true format=time do-timestamp=true "
            f"caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={RATE}/1 ! queue "
            f"! {ENCODERS[codec]} pt={payload} ssrc=1111 "
            f"! application/x-rtp,media=video,encoding-name={codec},payload={payload},ssrc=(uint)1111 ! rtc. "
            "audiotestsrc is-live=true freq=440 ! audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay pt=109 ssrc=2222 "
            "! application/x-rtp,media=audio,encoding-name=OPUS,payload=109,ssrc=(uint)2222 ! rtc."
        )
        self.rtc = pipeline.get_by_name("rtc")
        for pad in self.rtc.sinkpads:
            pad.connect("notify::caps", lambda *_: GLib.idle_add(self._offer_when_described))
        for index in range(2):
            transceiver = self.rtc.emit("get-transceiver", index)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        self.pictures = pipeline.get_by_name("pictures")
        self.next_number = 0
        GLib.timeout_add(1000 // RATE, self._push)
        return pipeline

    def _push(self) -> bool:
        self.pictures.emit("push-buffer", Gst.Buffer.new_wrapped(draw(self.next_number)))
        self.next_number += 1
        return True

    def _on_element_added(self, _pipeline: Any, _bin: Any, element: Any) -> None:
        factory = element.get_factory()
        if factory is not None and factory.get_name() == "dtlsdec":
            element.set_property("pem", self.certificate)

    # Negotiation

    def _on_negotiation(self, _rtc: Any) -> None:
        self.wanted = True
        GLib.idle_add(self._offer_when_described)

    def _offer_when_described(self) -> bool:
        """What is sent is known once its encoder has begun: an offer before that says nothing of H.264's packetization
        mode, which then is 0 (RFC 6184 section 8.1), and fragments are what its payloader sends."""
        if self.wanted and not self.offered and all(described(pad) for pad in self.rtc.sinkpads):
            self.offered = True
            self.rtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self._on_offer, None))
        return False

    def _on_offer(self, promise: Any, _data: Any) -> None:
        reply = promise.get_reply()  # kept: what it holds goes with it
        offer = reply.get_value("offer")
        self.rtc.emit("set-local-description", offer, Gst.Promise.new())
        # It names the certificate it had before ours was put in.
        digest = hashlib.sha256(
            ssl.PEM_cert_to_DER_cert(self.certificate.split("-----BEGIN PRIVATE")[0])
        ).digest()
        fingerprint = f"a=fingerprint:sha-256 {digest.hex(':').upper()}"
        text = re.sub(r"a=fingerprint:sha-256 [0-9A-F:]+", fingerprint, offer.sdp.as_text())
        self.ufrag = re.search(r"a=ice-ufrag:(\S+)", text)[1]
        self.pwd = re.search(r"a=ice-pwd:(\S+)", text)[1]
        threading.Thread(target=self._exchange, args=(text,), daemon=True).start()

    def _exchange(self, offer: str) -> None:
        headers, answer = self._http("POST", self.endpoint, offer, {"Content-Type": "application/sdp"})
        self.session = self.endpoint.split("/api/")[0] + headers["Location"]
        self.etag = headers["ETag"]
        _, description = GstSdp.SDPMessage.new_from_text(answer)
        described = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, description)
        taken = Gst.Promise.new()
        self.rtc.emit("set-remote-description", described, taken)
        taken.wait()
        reply = taken.get_reply()
        if reply is not None and reply.n_fields():
            say("error", reply.to_string())
        GLib.idle_add(self._trickle)

    def _on_candidate(self, _rtc: Any, _index: int, candidate: str) -> None:
        self.waiting.append(candidate)
        if self.session:
            GLib.idle_add(self._trickle)

    def _trickle(self) -> bool:
        found, self.waiting = self.waiting, []
        if found:
            lines = [f"a=ice-ufrag:{self.ufrag}", f"a=ice-pwd:{self.pwd}", *(f"a={line}" for line in found)]
            headers = {"Content-Type": FRAGMENT, "If-Match": self.etag}
            self._http("PATCH", self.session, "\r\n".join([*lines, ""]), headers)
            say("trickled", len(found))
        return False

    def close(self) -> None:
        self._http("DELETE", self.session, None, {})
        say("deleted")

    def _http(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> tuple[Any, str]:
        request = urllib.request.Request(
            url, data=body.encode() if body else None, method=method, headers=headers
        )
        request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=15) as response:
            return response.headers, response.read().decode()

    # Reception

    def _on_pad(self, _rtc: Any, pad: Any) -> None:
        if pad.get_direction() is not Gst.PadDirection.SRC:
            return
        caps = pad.get_current_caps().to_string()
        if "media=(string)video" in caps:
            text = (
                "rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=I420 "
                "! appsink name=sink emit-signals=true sync=false"
            )
        else:
            text = "rtpopusdepay ! opusdec ! audioconvert ! level interval=200000000 ! fakesink sync=false"
        bin_ = Gst.parse_bin_from_description(text, True)
        self.pipeline.add(bin_)
        sink = bin_.get_by_name("sink")
        if sink is not None:
            sink.connect("new-sample", self._on_picture)
        bin_.sync_state_with_parent()
        pad.link(bin_.get_static_pad("sink"))

    def _on_picture(self, sink: Any) -> Any:
        sample = sink.emit("pull-sample")
        structure = sample.get_caps().get_structure(0)
        width, height = structure.get_value("width"), structure.get_value("height")
        buffer = sample.get_buffer()
        data = buffer.extract_dup(0, buffer.get_size())
        say("picture", read(data, width, height, (width + 3) // 4 * 4))
        return Gst.FlowReturn.OK

    def _on_element(self, _bus: Any, message: Any) -> None:
        structure = message.get_structure()
        if structure is not None and structure.get_name() == "level":
            say("sound", round(max(structure.get_value("peak"))))

    def _on_state(self, rtc: Any, _spec: Any) -> None:
        say("state", rtc.get_property("connection-state").value_nick)

    def _on_error(self, _bus: Any, message: Any) -> None:
        say("error", message.parse_error()[0].message)


def described(pad: Any) -> bool:
    caps = pad.get_current_caps()
    if caps is None:
        return False
    structure = caps.get_structure(0)
    return structure.get_string("encoding-name") != "H264" or structure.has_field("packetization-mode")


def say(*words: object) -> None:
    print(*words, flush=True)


def main() -> None:
    Gst.init(None)
    device = Device(*sys.argv[1:6])
    loop = GLib.MainLoop()
    device.pipeline.set_state(Gst.State.PLAYING)

    def until_told() -> None:
        sys.stdin.read()
        GLib.idle_add(loop.quit)

    threading.Thread(target=until_told, daemon=True).start()
    loop.run()
    if device.session:
        device.close()
    device.pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
