# shellcheck shell=bash
# Long work that is several processes deep, and its end: each job is a process group, so an interrupt reaches
# all of it, tests get to clean up after themselves, and nothing goes on alone.

JOBS=
JOB_GRACE_S=20
RESULTS=

# start_job COMMAND…: in the background, in a group of its own.
start_job() {
  set -m
  (
    trap - EXIT INT TERM
    "$@"
  ) </dev/null &
  JOBS="$JOBS $!"
  set +m
}

# All of them; the exit code of the last one.
wait_for_jobs() {
  local code=0
  # shellcheck disable=SC2086 # a list of numbers
  wait $JOBS || code=$?
  JOBS=
  return "$code"
}

# The exit code of the one that was started last; others may go on.
wait_for_last_job() {
  local code=0
  wait "${JOBS##* }" || code=$?
  JOBS=${JOBS% *}
  return "$code"
}

# To be called before anything is started. A trap, as Ctrl-C may come at any time.
clean_up_at_the_end() {
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  trap clean_up EXIT
}

clean_up() {
  trap - INT TERM HUP
  end_progress
  end_jobs
  end_docker_engine
  if [ -n "$RESULTS" ]; then rm -rf "$RESULTS"; fi
}

# As Ctrl-C does it, on which tests tidy up; then without asking.
end_jobs() {
  local job waited=0
  signal_jobs INT || return 0
  while [ "$waited" -lt "$JOB_GRACE_S" ] && signal_jobs 0; do
    sleep 1
    waited=$((waited + 1))
  done
  signal_jobs KILL || true
  JOBS=
}

# Whether any of them was there to get it.
signal_jobs() {
  local job found=1
  for job in $JOBS; do
    if kill -s "$1" -- "-$job" 2>/dev/null; then found=0; fi
  done
  return "$found"
}
