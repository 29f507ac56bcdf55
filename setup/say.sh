# shellcheck shell=bash
# How setup.sh speaks: one line per fact, a spinner only where somebody watches, and no failure without
# what to do about it. Knows nothing of what is being set up.

say() {
  printf '%s\n' "$*"
}

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# A folder for what the steps print. Private: the state folder holds a token later.
setup_log() {
  (umask 077 && mkdir -p "$STATE/logs") || die "cannot write to $STATE: set SWITCHYARD_STATE to a folder that you may write"
  printf '%s\n' "$STATE/logs/setup.log"
}

# step WHAT REMEDY COMMAND…: run it with its output in the log; on failure show the end of that and stop.
step() {
  local what=$1 remedy=$2 log code=0
  shift 2
  log=$(setup_log) || exit 1
  attempt "$what" "$log" "$@" || code=$?
  if [ "$code" -ne 0 ]; then
    tail -n 25 "$log" >&2
    die "cannot go on: \"$what\" failed (exit $code; all of it is in $log): $remedy"
  fi
}

# attempt WHAT LOG COMMAND…: the same, but the caller decides what a failure means.
attempt() {
  local what=$1 log=$2 began=$SECONDS code=0
  shift 2
  show_progress "$what"
  "$@" >"$log" 2>&1 </dev/null || code=$?
  end_progress
  # What took no time needs no line.
  if [ "$code" -eq 0 ] && [ $((SECONDS - began)) -ge 2 ]; then
    say "$what: done in $((SECONDS - began)) s"
  fi
  return "$code"
}

PROGRESS=

show_progress() {
  # Descriptor 9 is the lock on the environments, and nobody must wait for this one to sleep out.
  tell_progress "$1" 9>&- &
  PROGRESS=$!
}

end_progress() {
  if [ -z "$PROGRESS" ]; then
    return 0
  fi
  kill "$PROGRESS" 2>/dev/null || true
  wait "$PROGRESS" 2>/dev/null || true
  PROGRESS=
  if [ -t 1 ]; then printf '\r\033[K'; fi
}

# On a terminal the seconds run; elsewhere one line tells what the wait is for. Ends with its owner.
tell_progress() {
  local began=$SECONDS told=
  while sleep 1 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
    if [ -t 1 ]; then
      printf '\r%s … %s s ' "$1" $((SECONDS - began))
    elif [ -z "$told" ] && [ $((SECONDS - began)) -ge 2 ]; then
      told=yes
      say "$1 …"
    fi
  done
}
