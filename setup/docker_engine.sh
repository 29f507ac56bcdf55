# shellcheck shell=bash
# A real Docker Engine for the tests, where none answers and this user may start one. Ends what it started,
# and only that.

OUR_ENGINE=
OUR_ENGINE_FOLDER=$STATE/test-docker

# Starts one if need be; says why if that is not to be.
ensure_docker_engine() {
  case $(docker_state) in
    answers*) adopt_engine_left_behind ;;
    no-permission) say "Docker: this user may not use the engine, so tests that need one are left out" ;;
    *) start_docker_engine || say "Docker: tests that need an engine are left out" ;;
  esac
}

# One that an earlier run started and, killed itself, could not end.
adopt_engine_left_behind() {
  local pid
  pid=$(cat "$OUR_ENGINE_FOLDER/pid" 2>/dev/null) || return 0
  if grep -qs dockerd "/proc/$pid/comm"; then OUR_ENGINE=$pid; fi
}

start_docker_engine() {
  if [ "$(uname -s)" != Linux ] || [ "$(id -u)" -ne 0 ] || [ -n "${DOCKER_HOST:-}" ]; then
    say "Docker: no engine answers, and this user may not start one; start it (sudo systemctl start docker) to run its tests"
    return 1
  fi
  if ! command -v dockerd >/dev/null 2>&1; then
    say "Docker: there is no dockerd to start; install Docker Engine to run its tests"
    return 1
  fi
  mkdir -p "$OUR_ENGINE_FOLDER/data"
  attempt "Starting a Docker Engine for the tests" "$OUR_ENGINE_FOLDER/start.log" launch_docker_engine && return 0
  tail -n 5 "$OUR_ENGINE_FOLDER/dockerd.log"
  say "Docker: the engine did not start (all it said is in $OUR_ENGINE_FOLDER/dockerd.log)"
  return 1
}

launch_docker_engine() {
  local began=$SECONDS
  # In a session of its own: Ctrl-C ends the tests first, and the engine under them last. Its sockets stand
  # under /run, as a socket's path must be short.
  setsid dockerd --data-root "$OUR_ENGINE_FOLDER/data" --exec-root "/run/switchyard-test-docker-$$" \
    --pidfile "$OUR_ENGINE_FOLDER/pid" >"$OUR_ENGINE_FOLDER/dockerd.log" 2>&1 </dev/null 9>&- &
  OUR_ENGINE=$!
  while [ $((SECONDS - began)) -lt 60 ]; do
    case $(docker_state) in answers*) return 0 ;; esac
    if ! kill -0 "$OUR_ENGINE" 2>/dev/null; then break; fi
    sleep 1
  done
  end_docker_engine
  return 1
}

end_docker_engine() {
  local waited=0
  if [ -z "$OUR_ENGINE" ]; then
    return 0
  fi
  kill "$OUR_ENGINE" 2>/dev/null || true
  while kill -0 "$OUR_ENGINE" 2>/dev/null && [ "$waited" -lt 30 ]; do
    sleep 1
    waited=$((waited + 1))
  done
  kill -9 "$OUR_ENGINE" 2>/dev/null || true
  # The network of containers that used the machine's own stays mounted; nothing can be removed under it.
  umount "/run/switchyard-test-docker-$$"/netns/* 2>/dev/null || true
  rm -rf "$OUR_ENGINE_FOLDER/pid" "/run/switchyard-test-docker-$$" || true
  OUR_ENGINE=
}
