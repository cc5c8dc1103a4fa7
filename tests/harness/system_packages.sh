#!/usr/bin/env bash
# The programs the tests run beside the server. On Debian as root they are installed; elsewhere it says what is missing.
set -euo pipefail

declare -A packages=(
  [chromium]=chromium
  [turnserver]=coturn
  [redis-server]=redis-server
  [Xvfb]=xvfb
  [xauth]=xauth
  [nft]=nftables
  [tesseract]=tesseract-ocr
  [clamd]=clamav-daemon
  [sigtool]=clamav
)
missing=()
for program in "${!packages[@]}"; do
  command -v "$program" >/dev/null || missing+=("${packages[$program]}")
done
if ! fc-list 2>/dev/null | grep -q "Noto Sans CJK"; then missing+=(fonts-noto-cjk fontconfig); fi
# Debian keeps the programs of PostgreSQL out of PATH.
if ! command -v initdb >/dev/null && ! compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null; then missing+=(postgresql); fi
if ! tesseract --list-langs 2>/dev/null | grep -q chi_sim; then missing+=(tesseract-ocr-chi-sim); fi
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
