#!/bin/sh
header_sum=@headerSum@
# @program@ of eRaft for Deno in one file: this script, then two tar.gz archives, the Deno runtime
# and the program. The first start unpacks them into a cache; every start runs them from there.
set -eu
program=@program@
header_bytes=@headerBytes@
runtime_bytes=@runtimeBytes@
runtime_sum=@runtimeSum@
app_bytes=@appBytes@
app_sum=@appSum@

# Whether PATH was set at all, and to what: the program gets it as it was.
callers_path=${PATH-}
has_path=${PATH+yes}
PATH=/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin${PATH:+:$PATH}

fail() {
  # Fails even if the damage is in the line below.
  ! printf '%s: %s\n' "$program" "$2" >&2
  exit "$1"
}

damaged() {
  fail 65 "Cannot start: this file is damaged: $1; copy or build it again"
}

sha256() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256
  else
    openssl dgst -sha256 -r
  fi
}

self=$0
[ -r "$self" ] || self=$(command -v -- "$0") || fail 66 "Cannot start: cannot read '$0'"
[ -r "$self" ] || fail 66 "Cannot start: cannot read '$self'"
sum=$(head -c "$header_bytes" -- "$self" | sed 2d | sha256) ||
  fail 66 "Cannot start: cannot check this file, which takes sha256sum, shasum or openssl"
# Twice, as the damage may be in one of them.
[ "${sum%% *}" = "$header_sum" ] || damaged "its first $header_bytes bytes have changed"
[ "${sum%% *}" = "$header_sum" ] || damaged "its first $header_bytes bytes have changed"
bytes=$(wc -c <"$self")
bytes_wanted=$((header_bytes + runtime_bytes + app_bytes))
[ "$bytes" -eq "$bytes_wanted" ] || damaged "it has $bytes bytes instead of $bytes_wanted"

# archive OFFSET BYTES
archive() {
  tail -c "+$(($1 + 1))" -- "$self" | head -c "$2"
}

# A cache in a directory that everybody can write to could be somebody else's trap.
is_ours() {
  [ -d "$1" ] && { [ "$1" = "${ERAFT_CACHE-}" ] || { [ -O "$1" ] && [ ! -L "$1" ]; }; }
}

has_runtime() {
  [ -x "$1/$runtime_sum/deno" ]
}

has_app() {
  for file in @appFiles@; do
    [ -f "$1/$app_sum/$file" ] || return 1
  done
}

is_ready() {
  is_ours "$1" && has_runtime "$1" && has_app "$1"
}

# Not so when the disk is full, or when it forbids running programs.
runtime_works() {
  sync "$1/deno" 2>/dev/null || sync
  "$1/deno" --version >/dev/null 2>&1
}

app_works() {
  for file in @appFiles@; do
    sync "$1/$file" 2>/dev/null || sync
  done
}

# unpack CACHE WHAT OFFSET BYTES SUM: it appears under its name all at once, when it is complete.
unpack() {
  if "has_$2" "$1"; then return 0; fi
  sum=$(archive "$3" "$4" | sha256)
  [ "${sum%% *}" = "$5" ] || damaged "its $2 has changed"
  new=$(mktemp -d "$1/.tmp.XXXXXX" 2>/dev/null) || return 1
  if archive "$3" "$4" | tar -xozf - -C "$new" 2>/dev/null && "$2_works" "$new"; then
    # Without flock another process may have been faster; if not, what is there lacks files.
    if ! "has_$2" "$1"; then
      [ ! -e "$1/$5" ] || mv -- "$1/$5" "$new.old"
      mv -- "$new" "$1/$5" || :
    fi
  fi
  rm -rf -- "$new" "$new.old"
  "has_$2" "$1"
}

unpack_all() {
  # What an interrupted start has left; one that still runs is younger.
  find "$1" -maxdepth 1 -name '.tmp.*' -mmin +60 -exec rm -rf -- {} + 2>/dev/null || :
  unpack "$1" runtime "$header_bytes" "$runtime_bytes" "$runtime_sum" &&
    unpack "$1" app "$((header_bytes + runtime_bytes))" "$app_bytes" "$app_sum"
}

# Of many that start at once one unpacks, if the machine has flock; otherwise the first one wins.
unpack_once() {
  (umask 077 && mkdir -p -- "$1") 2>/dev/null && is_ours "$1" && [ -w "$1" ] || return 1
  (
    umask 077
    ! command -v flock >/dev/null 2>&1 || { exec 9>"$1/.lock" && flock 9; } || :
    unpack_all "$1"
  )
  case $? in
    0) ;;
    65) exit 65 ;;
    *) return 1 ;;
  esac
}

# run CACHE ARGUMENTS
run() {
  runtime=$1/$runtime_sum app=$1/$app_sum
  DENO_DIR=$1/deno DENO_NO_UPDATE_CHECK=1 DENO_NO_PACKAGE_JSON=1
  export DENO_DIR DENO_NO_UPDATE_CHECK DENO_NO_PACKAGE_JSON
  shift
  if [ -n "$has_path" ]; then PATH=$callers_path; else unset PATH; fi
  exec "$runtime/deno" run --quiet --no-prompt --no-config --no-lock --no-remote --no-npm \
    --cached-only @flags@ "$app/$program.js" "$@"
}

temporary=${TMPDIR:-/tmp}/eraft-$(id -u)
for attempt in is_ready unpack_once; do
  for cache in "${ERAFT_CACHE-}" "${XDG_CACHE_HOME:+$XDG_CACHE_HOME/eraft}" \
    "${HOME:+$HOME/.cache/eraft}" "$temporary"; do
    # A comma would end a path in the runtime's permissions.
    case $cache in '' | *,*) continue ;; esac
    if "$attempt" "$cache"; then run "$cache" "$@"; fi
  done
done
fail 75 "Cannot start: there is no place to unpack $((bytes_wanted / 1048576)) MiB: make \
'$temporary' writable, or name a directory in ERAFT_CACHE, on a disk with 120 MB to spare that may \
hold programs"
