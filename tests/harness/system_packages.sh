#!/usr/bin/env bash
# The programs the tests run beside the server. On Debian as root they are installed; elsewhere it says what is missing.
set -euo pipefail

declare -A packages=(
  [chromium]=chromium
  [firefox-esr]=firefox-esr
  [turnserver]=coturn
  [redis-server]=redis-server
  [Xvfb]=xvfb
  [xauth]=xauth
  [nft]=nftables
  [tesseract]=tesseract-ocr
  [clamd]=clamav-daemon
  [sigtool]=clamav
  [gst-inspect-1.0]=gstreamer1.0-tools
)
missing=()
for program in "${!packages[@]}"; do
  command -v "$program" >/dev/null || missing+=("${packages[$program]}")
done
if ! fc-list 2>/dev/null | grep -q "Noto Sans CJK"; then missing+=(fonts-noto-cjk fontconfig); fi
# Debian keeps the programs of PostgreSQL out of PATH.
if ! command -v initdb >/dev/null && ! compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null; then missing+=(postgresql); fi
if ! tesseract --list-langs 2>/dev/null | grep -q chi_sim; then missing+=(tesseract-ocr-chi-sim); fi
# GStreamer as a WHIP and WHEP device: elements, and what the system's Python drives them with.
if ! /usr/bin/python3 -c 'import gi; [gi.require_version(p, "1.0") for p in ("Gst", "GstWebRTC", "GstSdp", "GstApp")]' 2>/dev/null \
  || ! gst-inspect-1.0 webrtcbin >/dev/null 2>&1 || ! gst-inspect-1.0 nicesrc >/dev/null 2>&1 || ! gst-inspect-1.0 vp8enc >/dev/null 2>&1; then
  missing+=(gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice python3-gi
    gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "· Installing for tests: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if ! { apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    exit 1
  fi
  # Debian starts these as services; the tests run their own on ports of their own.
  for service in coturn redis-server postgresql clamav-daemon clamav-freshclam; do service "$service" stop >/dev/null 2>&1 || true; done
else
  echo "Missing for tests (Debian package names): ${missing[*]}" >&2
  exit 1
fi
