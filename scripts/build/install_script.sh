#!/bin/sh
# Installs the Reagent agent on a Linux device:
#
#   curl -fsSL https://storage.googleapis.com/re-agent/install.sh | sh -s -- --config device.flock
#
# Downloads the executable, verifies its signature or checksum, and puts it next to its predecessor, which stays. What is
# there already is not lost: run it again after an interruption, or for another version.

set -eu

# The publisher's minisign keys, one to a line. With a key, nothing is installed that it has not signed.
update_keys='@UPDATE_KEYS@'

usage() {
  cat <<'END'
Usage: sh install.sh --config FILE [--url BASE] [--channel NAME] [--version VERSION] [--dir FOLDER] [--checksum-only]

  --config FILE      the .flock file of the device; not needed where the agent is a service already
  --url BASE         where re-agent/ is (https://storage.googleapis.com)
  --channel NAME     which newest version (production)
  --version VERSION  this version instead of the newest
  --dir FOLDER       the folder of the agent (/opt/reagent)
  --checksum-only    do not verify signatures
END
}

say() { printf 'install: %s\n' "$*"; }
fail() {
  printf 'install: %s\n' "$*" >&2
  exit 1
}

config='' url='https://storage.googleapis.com' channel='production' version='' dir='/opt/reagent' checksum_only=''
while [ $# -gt 0 ]; do
  case $1 in
  --help | -h) usage && exit 0 ;;
  --checksum-only) checksum_only=yes && shift && continue ;;
  --config | --url | --channel | --version | --dir) [ $# -ge 2 ] || fail "$1 needs a value" ;;
  *) usage >&2 && fail "unknown option $1" ;;
  esac
  case $1 in
  --config) config=$2 ;;
  --url) url=${2%/} ;;
  --channel) channel=$2 ;;
  --version) version=$2 ;;
  --dir) dir=$2 ;;
  esac
  shift 2
done

# Prints the architecture as the addresses of downloads have it.
read_arch() {
  [ "$(uname -s)" = Linux ] || fail "this script is for Linux; other systems take the executable by hand"
  case $(uname -m) in
  x86_64 | amd64) arch=amd64 ;;
  aarch64 | arm64) arch=arm64 ;;
  arm*) fail "there is no agent for 32-bit ARM ($(uname -m)); such devices stay on the reference agent" ;;
  *) fail "there is no agent for $(uname -m)" ;;
  esac
  # A 64-bit kernel may run a 32-bit system, and Alpine has no glibc.
  [ "$(getconf LONG_BIT 2>/dev/null || echo 64)" = 64 ] || fail "this system is 32-bit; there is no agent for it"
  ! (ldd --version 2>&1 || true) | grep -qi musl || fail "this system has musl instead of glibc; there is no agent for it"
}

# fetch ADDRESS FILE: only a complete answer with status 200 counts.
fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl --fail --silent --show-error --location --connect-timeout 20 --retry 3 --output "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget --quiet --tries=3 --timeout=60 --output-document="$2" "$1"
  else
    fail 'neither curl nor wget is installed'
  fi
}

# decode BASE64: its bytes on standard output.
decode() { printf '%s\n' "$1" | base64 -d; }

# verify_with_openssl KEY FILE SIGNATURE: Ed25519 over the BLAKE2b-512 digest, and over the trusted comment.
verify_with_openssl() {
  line=$(sed -n 2p "$3")
  [ "$(decode "$line" | head -c 2)" = ED ] || return 1
  [ "$(decode "$line" | tail -c +3 | head -c 8 | base64)" = "$(decode "$1" | tail -c +3 | head -c 8 | base64)" ] || return 1
  { printf '\060\052\060\005\006\003\053\145\160\003\041\000' && decode "$1" | tail -c +11; } >"$work/key.der"
  decode "$line" | tail -c +11 >"$work/signature"
  decode "$(sed -n 4p "$3")" >"$work/comment.signature"
  { cat "$work/signature" && sed -n 3p "$3" | sed 's/^trusted comment: //' | tr -d '\r\n'; } >"$work/comment"
  openssl dgst -blake2b512 -binary "$2" >"$work/digest"
  for part in digest comment; do
    by=signature
    [ $part = digest ] || by=comment.signature
    openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key.der" -rawin \
      -in "$work/$part" -sigfile "$work/$by" >/dev/null 2>&1 || return 1
  done
}

# verify FILE SIGNATURE NAME: ends the script unless one of the keys has signed the file.
verify() {
  if command -v minisign >/dev/null 2>&1; then
    tool=minisign
  elif openssl pkeyutl -help 2>&1 | grep -q -e -rawin; then
    tool=openssl
  else
    fail 'minisign or openssl 3 is needed to verify the signature: apt-get install minisign (or --checksum-only)'
  fi
  for key in $update_keys; do
    if [ $tool = minisign ]; then
      minisign -V -q -P "$key" -m "$1" -x "$2" >/dev/null 2>&1 && return 0
    else
      verify_with_openssl "$key" "$1" "$2" && return 0
    fi
  done
  fail "the signature of $3 is not good; nothing was installed"
}

is_signed() { [ -n "$update_keys" ] && [ -z "$checksum_only" ]; }

# Prints the version of a channel, or of all, in the index.
read_version() {
  fetch "$url/re-agent/availableVersions.json" "$work/index" || fail "cannot fetch $url/re-agent/availableVersions.json"
  if is_signed; then
    fetch "$url/re-agent/availableVersions.json.minisig" "$work/index.minisig" || fail 'the list of versions is not signed'
    verify "$work/index" "$work/index.minisig" 'the list of versions'
  fi
  for name in "$channel" all; do
    version=$(tr ',{}' '\n\n\n' <"$work/index" | sed -n 's/^[[:space:]]*"'"$name"'"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' | head -n 1)
    [ -z "$version" ] || return 0
  done
  fail "the list of versions has neither $channel nor all"
}

# Downloads and verifies the executable of the version, and puts it where it belongs.
install_agent() {
  name="reagent-v$version"
  file="$dir/downloads/$name"
  address="$url/re-agent/linux/$arch/$version/reagent"
  say "downloading $address"
  fetch "$address" "$file" || fail "cannot fetch $address"
  fetch "$address.sha256" "$work/sha256" || fail "cannot fetch $address.sha256"
  wanted=$(head -c 64 "$work/sha256")
  [ "$(sha256sum <"$file" | head -c 64)" = "$wanted" ] || fail "the checksum of $address is not right; nothing was installed"
  if is_signed; then
    fetch "$address.minisig" "$work/minisig" || fail "$address is not signed; nothing was installed"
    verify "$file" "$work/minisig" "$address"
    say 'the signature is good'
  else
    say 'the checksum is right; the signature was not looked at'
  fi
  chmod 755 "$file"
  seen=$("$file" -version) || fail "the agent does not start on this system; nothing was installed"
  [ "$seen" = "$version" ] || fail "the agent says it is $seen instead of $version; nothing was installed"
  sync
  mv -f "$file" "$dir/$name"
  ln -sfn "$name" "$dir/reagent.new"
  mv -Tf "$dir/reagent.new" "$dir/reagent"
  mkdir -p /usr/local/bin
  ln -sfn "$dir/reagent" /usr/local/bin/reagent
  sync
  say "installed $dir/$name"
}

# The secret of the device is for root only.
install_config() {
  [ -n "$config" ] || return 0
  target="$dir/device.flock"
  [ -e "$target" ] && [ "$(readlink -f "$config")" = "$(readlink -f "$target")" ] && return 0
  (umask 077 && cat "$config" >"$target.new")
  mv -f "$target.new" "$target"
}

# A service that is there keeps its flags, config among them.
has_service() { [ -d /run/systemd/system ] && systemctl cat reagent.service >/dev/null 2>&1; }

start_agent() {
  if [ -n "$config" ]; then
    set -- -config "$dir/device.flock"
  elif has_service; then
    set --
  else
    say "there is no --config; start it with: reagent -config FILE -agentDir $dir"
    return 0
  fi
  if "$dir/reagent" service install "$@" -agentDir "$dir" >"$work/service" 2>&1; then
    while read -r line; do say "$line"; done <"$work/service"
    say 'look at it with: systemctl status reagent'
    return 0
  fi
  say "the agent did not make a service here: $(tail -n 1 "$work/service")"
  [ -n "$config" ] || return 1
  say "start it with: reagent -config $dir/device.flock -agentDir $dir -appsDir $dir/apps -dbFileName $dir/reagent.db"
}

main() {
  [ "$(id -u)" = 0 ] || fail 'root must run this'
  [ -z "$config" ] || [ -r "$config" ] || fail "cannot read $config"
  read_arch
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  [ -n "$version" ] || read_version
  case $version in
  '' | *[!0-9.]*) fail "\"$version\" is no version" ;;
  esac
  mkdir -p "$dir/downloads"
  install_agent
  install_config
  start_agent
}

# At the end, so that half a script does nothing.
main
