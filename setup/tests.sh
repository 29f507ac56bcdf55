# shellcheck shell=bash
# `test`: the gate and every other test, with what they need. Whatever is left out is named at the end, with
# the reason; in CI that is a failure. The last line counts.

# End-to-end tests in which engines live in containers, and those that have whole machines, or a Docker Engine,
# to themselves: apart, as three lanes of tests run side by side.
IN_CONTAINERS="tests/e2e/docker tests/e2e/compose tests/e2e/house tests/e2e/vllm"
OWN_MACHINES="tests/e2e/two_machines tests/e2e/own_engine"
# The page in a browser, which drops what it asked for whenever Docker makes or removes a network: they have one of
# their own, or wait until nobody does.
IN_BROWSER="tests/e2e/test_page.py tests/ui/browser"
# Those that hold us to a time have the machine to themselves.
ALONE="tests/e2e/proxy/test_soak.py tests/e2e/proxy/test_trickle.py tests/e2e/test_smooth_page.py"

run_every_test() {
  local began=$SECONDS failed='' strict='' name
  if in_ci; then strict=yes; fi
  clean_up_at_the_end
  install_what_tests_need
  prepare check
  RESULTS=$(mktemp -d)
  start_job prepare_everything
  run_gate "$RESULTS" || failed=yes
  # What it could not make is tried again, and then stops the tests.
  prepare_everything
  ensure_docker_engine
  say "$(describe_docker); $(describe_nvidia)"
  # Three lanes of about the same length, as each waits a good part of its time.
  start_job lane_of_containers
  start_job lane_of_engines
  # shellcheck disable=SC2046,SC2086 # lists of paths, and of flags
  {
    run_suite end-to-end "$CONTROL_ENV" tests/setup/real tests/e2e \
      $(ignoring $IN_CONTAINERS $OWN_MACHINES $IN_BROWSER $ALONE) || failed=yes
    if may_have_own_network; then IN_OWN_NETWORK=yes run_suite browser "$CONTROL_ENV" $IN_BROWSER || failed=yes; fi
    wait_for_jobs || true
    for name in image-server own-machines clients containers; do
      report_suite_aside "$name" || failed=yes
    done
    if ! may_have_own_network; then run_suite browser "$CONTROL_ENV" $IN_BROWSER || failed=yes; fi
    run_suite alone "$CONTROL_ENV" $ALONE || failed=yes
  }
  say ""
  say "All of it took $((SECONDS - began)) s."
  end_docker_engine
  "$CONTROL_ENV/bin/python" "$ROOT/setup/totals.py" ${strict:+--nothing-left-out} ${failed:+--failed} \
    "$RESULTS/manager.xml" "$RESULTS/admin.xml" "$RESULTS/proxy.xml" "$RESULTS/tests.xml" "$RESULTS/planted.xml" \
    "$RESULTS/image-server.xml" "$RESULTS/clients.xml" "$RESULTS/end-to-end.xml" "$RESULTS/own-machines.xml" \
    "$RESULTS/containers.xml" "$RESULTS/browser.xml" "$RESULTS/alone.xml"
}

# Much of it is waiting for a disk and a network, so it goes on beside the gate, which needs none of it.
prepare_everything() {
  prepare test
  prepare_clients
  prepare_vllm
}

# Beside the lane whose output is seen as it comes.
lane_of_containers() {
  trap 'exit 130' INT
  # shellcheck disable=SC2086 # a list of paths
  suite_aside containers "$CONTROL_ENV" $IN_CONTAINERS
}

lane_of_engines() {
  trap 'exit 130' INT
  suite_aside image-server "$IMAGE_SERVER_ENV" tests/image_server/engine
  # shellcheck disable=SC2086 # a list of paths
  suite_aside own-machines "$CONTROL_ENV" $OWN_MACHINES
  suite_aside clients "$CONTROL_ENV" tests/clients
}

# As pytest is told to leave them out.
ignoring() { printf -- '--ignore=%s ' "$@"; }

in_ci() {
  case ${CI:-} in true | 1) return 0 ;; *) return 1 ;; esac
}

# run_suite NAME ENVIRONMENT FOLDER…
run_suite() {
  local name=$1 env=$2 code=0
  shift 2
  say ""
  say "The $name tests:"
  start_job pytest_in "$env" --junit-xml="$RESULTS/$name.xml" "$@"
  wait_for_last_job || code=$?
  if [ "$code" -eq 5 ]; then say "cannot count the $name tests as passed: none was found in $*"; fi
  return "$code"
}

# The same, its words kept until it is asked for them.
suite_aside() {
  local name=$1 env=$2 code=0
  shift 2
  (pytest_in "$env" --junit-xml="$RESULTS/$name.xml" "$@") >"$RESULTS/$name.log" 2>&1 || code=$?
  echo "$code" >"$RESULTS/$name.code"
}

report_suite_aside() {
  local code=1
  say ""
  say "The $1 tests:"
  cat "$RESULTS/$1.log"
  if [ -f "$RESULTS/$1.code" ]; then read -r code <"$RESULTS/$1.code"; fi
  return "$code"
}

pytest_in() {
  local env=$1
  shift
  cd "$ROOT" || return
  forget_settings
  # Torch's threads wait for each other by spinning: lanes that share the processor have no time for that.
  export OMP_NUM_THREADS=1
  if [ -n "${IN_OWN_NETWORK:-}" ]; then in_own_network "$env/bin/python" -m pytest "$@"; fi
  exec "$env/bin/python" -m pytest "$@"
}

install_what_tests_need() {
  local missing
  missing=$(packages_missing_for_tests)
  if [ -z "$missing" ]; then
    return 0
  fi
  if ! may_install_packages; then
    say "Not installed, and left to you, as only root on Debian may install packages:$missing"
    return 0
  fi
  # shellcheck disable=SC2086 # a list of packages
  attempt "Installing for the tests:$missing" "$(setup_log)" apt_install $missing ||
    say "cannot install$missing: see $STATE/logs/setup.log; tests that need them are left out"
}

# By Debian's names.
packages_missing_for_tests() {
  local missing=
  if ! command -v dockerd >/dev/null 2>&1 && ! docker_state | grep -q answers; then missing=" docker.io iptables"; fi
  # For manager and proxy in containers; a later docker-compose is the plugin as well.
  if ! find_compose; then missing="$missing docker-compose"; fi
  if ! has_browser; then missing="$missing chromium-headless-shell fonts-liberation"; fi
  # What Playwright's own Node wants, and no package of Python's can bring.
  if is_debian && ! dpkg -s libatomic1 >/dev/null 2>&1; then missing="$missing libatomic1"; fi
  # What vLLM's build for CPUs is linked with.
  if is_debian && ! dpkg -s libnuma1 >/dev/null 2>&1; then missing="$missing libnuma1"; fi
  if ! command -v curl >/dev/null 2>&1; then missing="$missing curl"; fi
  if ! command -v redis-server >/dev/null 2>&1; then missing="$missing redis-server"; fi
  # For an Engine in a network of its own, which tests kill and start again.
  if is_debian && ! command -v ip >/dev/null 2>&1; then missing="$missing iproute2"; fi
  # For an image to build ours on where none can be fetched.
  if is_debian && ! command -v debootstrap >/dev/null 2>&1; then missing="$missing debootstrap"; fi
  printf '%s' "$missing"
}

has_browser() {
  local name
  for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null 2>&1; then return 0; fi
  done
  [ -d "/Applications/Google Chrome.app" ]
}
