# shellcheck shell=bash
# The way with containers: images built from this folder, compose.yaml, and the commands handed on into them. Knows
# nothing of the environments of the other way. What a machine needs said is noted in .env, where plain
# `docker compose` reads it, too; a line that is there is never changed.

COMPOSE_NOTE=$STATE/compose # there while it is up this way
COMPOSE_READY_WITHIN_S=180
COMPOSE=

# compose | local. Who has run here without containers stays with that: keys and history are there.
way_to_run() {
  case ${SWITCHYARD_UP:-auto} in
    compose | local) echo "$SWITCHYARD_UP" ;;
    auto) if [ ! -f "$STATE/state.db" ] && can_compose; then echo compose; else echo local; fi ;;
    *) die "cannot use SWITCHYARD_UP=$SWITCHYARD_UP: write auto, compose or local" ;;
  esac
}

# An engine of this machine that answers, and a command that reads compose.yaml.
can_compose() {
  case ${DOCKER_HOST:-unix:} in unix:*) ;; *) return 1 ;; esac
  case $(docker_state) in answers*) find_compose ;; *) return 1 ;; esac
}

find_compose() {
  if [ -n "$COMPOSE" ]; then
    return 0
  elif command -v docker >/dev/null 2>&1 && limited 10 docker compose version >/dev/null 2>&1; then
    COMPOSE="docker compose"
  elif command -v docker-compose >/dev/null 2>&1; then
    COMPOSE=docker-compose
  else
    return 1
  fi
}

compose() {
  find_compose || die "cannot find Compose: install the plugin docker-compose-plugin, or docker-compose"
  # shellcheck disable=SC2086 # two words, if it is a plugin
  (cd "$ROOT" && settings_for_compose && exec $COMPOSE "$@")
}

# The one setting that has another form there.
settings_for_compose() {
  if [ -n "${SWITCHYARD_CATALOG:-}" ]; then
    SWITCHYARD_CATALOG_FOLDER=$(cd "$(dirname "$SWITCHYARD_CATALOG")" && pwd) || return
    SWITCHYARD_CATALOG_NAME=$(basename "$SWITCHYARD_CATALOG")
    export SWITCHYARD_CATALOG_FOLDER SWITCHYARD_CATALOG_NAME
  fi
}

# Whether commands are for containers: those that `up` started, or that plain `docker compose` did.
runs_in_compose() {
  case ${SWITCHYARD_UP:-auto} in local) return 1 ;; compose) return 0 ;; esac
  if we_are_up; then
    return 1
  fi
  [ -f "$COMPOSE_NOTE" ] || { [ ! -x "$CONTROL_ENV/bin/switchyard" ] && can_compose && has_containers; }
}

has_containers() { [ -n "$(container_of manager 2>/dev/null)$(container_of proxy 2>/dev/null)" ]; }

# Its id, if it runs.
container_of() {
  local id
  id=$(compose ps -q "$1" 2>/dev/null | tail -n 1) && [ -n "$id" ] &&
    [ "$(docker inspect --format '{{.State.Running}}' "$id" 2>/dev/null)" = true ] && printf '%s' "$id"
}

# Reads all there is: who is still speaking when nobody listens any more has failed.
has_service() { compose config --services 2>/dev/null | grep -x "$1" >/dev/null; }

up_in_compose() {
  local detach=
  case "$*" in
    '') ;;
    --detach) detach=yes ;;
    *) die "cannot do \"up $*\": write ./setup.sh up, or ./setup.sh up --detach" ;;
  esac
  if we_are_up; then die "cannot start containers: Switchyard is up without them; ./setup.sh down stops it"; fi
  can_compose || die "cannot start containers: $(describe_docker), and Compose is needed too; ./setup.sh doctor says more"
  note_this_machine
  if ! prepare_images; then
    say "Going on without containers for manager and proxy (SWITCHYARD_UP=compose tries again)."
    up_locally "$@"
    return
  fi
  : >"$COMPOSE_NOTE" # first: whatever becomes of the rest, `down` is to find it
  attempt "Starting the containers" "$(setup_log)" compose up -d || say_why_not_started
  wait_for_containers
  tell_where_it_answers
  if [ -z "$detach" ]; then stay_with_containers; fi
}

# Builds them, or takes what is there. Fails where neither can be, and the operator left the way to us.
prepare_images() {
  local base
  base=$(setting SWITCHYARD_BASE "$(default_base)")
  if docker image inspect "$base" >/dev/null 2>&1 ||
    attempt "Fetching the base image $base" "$(setup_log)" limited 600 docker pull "$base"; then
    step "Building the images of manager, proxy and image server (PyTorch: $(setting SWITCHYARD_TORCH cuda))" \
      "look at the lines above (a network? a full disk?) and run the same command again; SWITCHYARD_UP=local goes without images" \
      compose build
  elif has_images; then
    say "The base image $base cannot be had: the images stay as they are."
  elif [ "${SWITCHYARD_UP:-auto}" = compose ]; then
    tail -n 5 "$(setup_log)" >&2
    die "cannot build the images: their base, $base, cannot be had; name another with SWITCHYARD_BASE"
  else
    say "The images cannot be built: their base, $base, cannot be had (another can be named with SWITCHYARD_BASE)."
    return 1
  fi
}

default_base() { sed -n 's/.*SWITCHYARD_BASE:-\([^}]*\)}.*/\1/p' "$ROOT/compose.services.yaml" | head -n 1; }

has_images() {
  local images image
  images=$(compose config 2>/dev/null | sed -n 's/^ *image: *//p')
  if [ -z "$images" ]; then return 1; fi
  for image in $images; do
    docker image inspect "$image" >/dev/null 2>&1 || return 1
  done
}

# setting NAME DEFAULT: as compose will read it.
setting() {
  local value=${!1:-}
  if [ -z "$value" ] && [ -f "$ROOT/.env" ]; then
    value=$(sed -n "s/^$1=[\"']\{0,1\}\([^\"']*\)[\"']\{0,1\}\$/\1/p" "$ROOT/.env" | tail -n 1)
  fi
  printf '%s\n' "${value:-$2}"
}

note_this_machine() {
  if nvidia_gpus >/dev/null; then note_setting SWITCHYARD_TORCH cuda; else note_setting SWITCHYARD_TORCH cpu; fi
  if has_nvidia_runtime; then note_setting SWITCHYARD_GPU_RUNTIME nvidia; fi
  if is_rootless; then
    # There the user is root inside, and nobody else may open the socket.
    note_setting SWITCHYARD_DOCKER_SOCKET "$(rootless_socket)"
    note_setting SWITCHYARD_UID 0
    note_setting SWITCHYARD_GID 0
  elif [ "$(uname -s)" = Linux ]; then
    note_owners
  fi
}

# Who may open the socket, and who owns the catalog: the manager is both, and nobody more.
note_owners() {
  local socket folder
  socket=$(setting SWITCHYARD_DOCKER_SOCKET /var/run/docker.sock)
  folder=$(settings_for_compose && setting SWITCHYARD_CATALOG_FOLDER "$ROOT")
  if [ -e "$socket" ]; then note_setting SWITCHYARD_DOCKER_GID "$(stat -L -c %g "$socket")"; fi
  note_setting SWITCHYARD_UID "$(stat -L -c %u "$folder")"
  note_setting SWITCHYARD_GID "$(stat -L -c %g "$folder")"
}

# note_setting NAME VALUE: unless the operator has said it.
note_setting() {
  if [ -n "${!1:-}" ] || grep -qs "^$1=" "$ROOT/.env"; then
    return 0
  fi
  if [ ! -f "$ROOT/.env" ]; then
    (umask 077 && echo "# Read by Compose; every setting is explained in .env.example." >"$ROOT/.env") ||
      die "cannot write $ROOT/.env: give this user the folder, or clone it elsewhere"
  fi
  printf '%s=%s\n' "$1" "$2" >>"$ROOT/.env"
  say "Noted in .env: $1=$2"
}

has_nvidia_runtime() { limited 10 docker info --format '{{json .Runtimes}}' 2>/dev/null | grep '"nvidia"' >/dev/null; }

is_rootless() { limited 10 docker info --format '{{json .SecurityOptions}}' 2>/dev/null | grep rootless >/dev/null; }

rootless_socket() {
  local host=${DOCKER_HOST:-}
  if [ -z "$host" ]; then host=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || true); fi
  printf '%s' "${host#unix://}"
}

wait_for_containers() {
  local service
  for service in manager gate proxy; do
    if has_service "$service"; then
      attempt "Waiting for the $service" "$(setup_log)" is_healthy_soon "$service" || say_why_not "$service"
    fi
  done
}

is_healthy_soon() {
  local began=$SECONDS id
  while [ $((SECONDS - began)) -lt "$COMPOSE_READY_WITHIN_S" ]; do
    id=$(container_of "$1") &&
      [ "$(docker inspect --format '{{.State.Health.Status}}' "$id" 2>/dev/null)" = healthy ] && return 0
    sleep 1
  done
  return 1
}

say_why_not() {
  compose logs --tail 25 "$1" >&2 || true
  die "cannot go on: the $1 is not healthy after $COMPOSE_READY_WITHIN_S s; its last words stand above. ./setup.sh down removes what was started"
}

say_why_not_started() {
  tail -n 15 "$STATE/logs/setup.log" >&2
  compose logs --tail 15 >&2 || true
  die "cannot go on: Compose could not start all of it; what it said stands above, with the containers' last words. ./setup.sh down removes what was started"
}

tell_where_it_answers() {
  local address gate
  address=http://$(setting SWITCHYARD_HOST localhost | sed 's/^0\.0\.0\.0$/localhost/;s/^127\.0\.0\.1$/localhost/')
  if has_service gate; then
    gate=$(setting SWITCHYARD_GATE_URL '')
    say "" "Switchyard's GPU box is up: manager and gate."
    say "  manager  port $(setting SWITCHYARD_MANAGER_PORT 8079); in the .env of the proxy's machine: SWITCHYARD_MANAGER=http://THIS-MACHINE:$(setting SWITCHYARD_MANAGER_PORT 8079)"
    say "  gate     $gate"
    say "  token    docker exec $(container_of manager | cut -c 1-12) cat /run/switchyard/token"
  elif has_service manager; then
    docker exec "$(container_of manager)" python -c 'from switchyard_manager.launch.banner import main; main()' \
      --address "$address:$(setting SWITCHYARD_PORT 8080)" --catalog "${SWITCHYARD_CATALOG:-$ROOT/models.json}" \
      --key "$(how_to_give_a_key)"
  else
    say "" "Switchyard's proxy is up at $address:$(setting SWITCHYARD_PORT 8080)/v1; its manager is $(setting SWITCHYARD_MANAGER '')."
  fi
}

# Keys are on in a container, whatever addresses its port is published on: engines are its neighbours.
how_to_give_a_key() {
  if [ "$(setting SWITCHYARD_AUTH auto)" = off ]; then
    return 0
  elif [ -n "$(setting SWITCHYARD_API_KEY '')" ]; then
    # shellcheck disable=SC2016 # for the operator's shell
    echo '$SWITCHYARD_API_KEY'
  else
    # shellcheck disable=SC2016
    echo '$(./setup.sh keys show-first)'
  fi
}

# As the other way does it: Ctrl-C, SIGTERM or a closed terminal ends all of it.
stay_with_containers() {
  local code=0
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  # Caught and not ignored: what is ignored stays so in every child, and the progress line must be ended.
  trap 'trap : INT TERM HUP; down_in_compose' EXIT
  compose logs --follow --tail 0 &
  wait $! || code=$?
  trap - INT TERM HUP EXIT
  say "The containers' logs have ended; ./setup.sh status tells what runs, ./setup.sh down ends it."
  return "$code"
}

# Engines end between the manager, which would start them anew, and the network, which they are on.
down_in_compose() {
  local services
  services=$(compose config --services | grep -x -e proxy -e gate -e manager | tr '\n' ' ')
  # shellcheck disable=SC2086 # a list of names
  step "Stopping $services" "$MENDING" compose stop $services
  if has_service manager; then
    step "Ending the engines" "docker ps shows what is left; end it with docker rm --force" \
      compose run --rm --no-deps -T --entrypoint switchyard manager down
  fi
  step "Removing the containers (what they keep stays in volumes)" "$MENDING" compose down
  rm -f "$COMPOSE_NOTE"
  say "Switchyard is down: ${services}and every engine have ended."
}

# in_container SERVICE WHAT COMMAND…: in place of this process.
in_container() {
  local service=$1 what=$2 id terminal=
  shift 2
  id=$(container_of "$service") ||
    die "cannot do \"$what\": no container of the $service runs here; ./setup.sh up starts it"
  if [ -t 0 ] && [ -t 1 ]; then terminal=t; fi
  exec docker exec "-i$terminal" "$id" "$@"
}
