#!/usr/bin/env bash
# Switchyard's one command: install it, start it, stop it, test it. Nothing is installed outside this
# folder, but for what `test` says it needs. Kept to bash 3.2, which is what macOS has.
set -euo pipefail

folder_of_this_script() {
  local file=${BASH_SOURCE[0]} next
  while [ -L "$file" ]; do
    next=$(readlink "$file")
    case $next in
      /*) file=$next ;;
      *) file=$(dirname "$file")/$next ;;
    esac
  done
  (cd -P "$(dirname "$file")" && pwd)
}

ROOT=$(folder_of_this_script)
STATE=${SWITCHYARD_STATE:-$ROOT/.switchyard}
case $STATE in /*) ;; *) STATE=$PWD/$STATE ;; esac

# shellcheck source=setup/say.sh
. "$ROOT/setup/say.sh"
# shellcheck source=setup/jobs.sh
. "$ROOT/setup/jobs.sh"
# shellcheck source=setup/machine.sh
. "$ROOT/setup/machine.sh"
# shellcheck source=setup/environments.sh
. "$ROOT/setup/environments.sh"
# shellcheck source=setup/torch.sh
. "$ROOT/setup/torch.sh"
# shellcheck source=setup/doctor.sh
. "$ROOT/setup/doctor.sh"
# shellcheck source=setup/compose.sh
. "$ROOT/setup/compose.sh"
# shellcheck source=setup/gate.sh
. "$ROOT/setup/gate.sh"
# shellcheck source=setup/docker_engine.sh
. "$ROOT/setup/docker_engine.sh"
# shellcheck source=setup/clients.sh
. "$ROOT/setup/clients.sh"
# shellcheck source=setup/vllm.sh
. "$ROOT/setup/vllm.sh"
# shellcheck source=setup/own_network.sh
. "$ROOT/setup/own_network.sh"
# shellcheck source=setup/tests.sh
. "$ROOT/setup/tests.sh"

usage() {
  cat <<'TEXT'
Switchyard: many models, few GPUs, one address.

  ./setup.sh up [--detach]    install what is missing, start, and say where it answers
  ./setup.sh down             stop it, and every engine
  ./setup.sh status [-w]      what runs, what waits, what failed and why; -w shows it as it changes
  ./setup.sh load MODEL       load a model now; and so for every other command of `switchyard`:
                              switch unload sleep wake pin unpin cancel explain logs events history
                              add remove validate pull models
  ./setup.sh keys             keys for clients: keys add NAME, keys list, keys revoke NAME
  ./setup.sh doctor           look at this machine, and say what to do about what is amiss
  ./setup.sh check            the gate: formatting, lint, types, imports, docs, unit tests
  ./setup.sh test             the gate and every other test; installs what they need, where it may
  ./setup.sh version          which version this is
  ./setup.sh help             this

Settings are environment variables:
  SWITCHYARD_UP                      compose (manager and proxy in containers), local (without), or auto: compose where
                                     a Docker Engine answers and Compose is there
  SWITCHYARD_PORT, SWITCHYARD_HOST   where clients reach it (8080 on 127.0.0.1; in containers on 0.0.0.0, with keys)
  SWITCHYARD_CATALOG                 the catalog of models (models.json beside this script)
  SWITCHYARD_STATE                   logs, token, demo models (.switchyard beside this script)
  SWITCHYARD_PYTHON                  the Python to install with (3.11 or newer)
  SWITCHYARD_TORCH_INSTALL           your own arguments for `pip install`, in place of the PyTorch chosen here
With containers, .env may say them, too; .env.example has all of them.
TEXT
}

environment_for_the_launcher() {
  export SWITCHYARD_STATE=$STATE
  export SWITCHYARD_CATALOG=${SWITCHYARD_CATALOG:-$ROOT/models.json}
  export SWITCHYARD_IMAGE_SERVER=${SWITCHYARD_IMAGE_SERVER:-$IMAGE_SERVER_ENV/bin/switchyard-image-server}
}

up() {
  local way
  way=$(way_to_run) || exit 1
  case $way in
    compose) up_in_compose "$@" ;;
    local) up_locally "$@" ;;
  esac
}

up_locally() {
  prepare run
  describe_choice
  make_demo_models
  environment_for_the_launcher
  exec "$CONTROL_ENV/bin/switchyard" up "$@"
}

make_demo_models() {
  step "Making the demo models (tiny, on the spot)" "read the log above; then run ./setup.sh up again" \
    "$IMAGE_SERVER_ENV/bin/python" -m switchyard_image_server.demo "$STATE/demo"
}

# Hand a command over to the installed program.
ask() {
  if runs_in_compose; then in_container manager "$1" switchyard "$@"; fi
  if [ ! -x "$CONTROL_ENV/bin/switchyard" ]; then
    die "cannot do \"$1\": nothing is installed here yet; start with ./setup.sh up"
  fi
  environment_for_the_launcher
  exec "$CONTROL_ENV/bin/switchyard" "$@"
}

keys() {
  if runs_in_compose; then in_container proxy keys switchyard-proxy keys "$@"; fi
  if [ ! -x "$CONTROL_ENV/bin/switchyard-proxy" ]; then
    die "cannot look at keys: nothing is installed here yet; start with ./setup.sh up"
  fi
  export SWITCHYARD_STATE=$STATE
  exec "$CONTROL_ENV/bin/switchyard-proxy" keys "$@"
}

down() {
  if runs_in_compose; then
    down_in_compose
    return 0
  fi
  if [ ! -x "$CONTROL_ENV/bin/switchyard" ]; then
    say "Nothing is installed here, so there is nothing to stop."
    return 0
  fi
  ask down "$@"
}

version() {
  sed -n 's/^version = "\(.*\)"$/\1/p' "$ROOT/pyproject.toml" | head -n 1
}

main() {
  local command=${1:-help}
  if [ $# -gt 0 ]; then shift; fi
  case $command in
    up) up "$@" ;;
    down) down "$@" ;;
    status | load | switch | unload | sleep | wake | pin | unpin | cancel) ask "$command" "$@" ;;
    explain | logs | events | history | add | remove | validate | pull | models) ask "$command" "$@" ;;
    keys) keys "$@" ;;
    doctor) doctor ;;
    check) check ;;
    test) run_every_test ;;
    version | --version) version ;;
    help | --help | -h) usage ;;
    *)
      printf 'cannot do "%s": there is no such command\n\n' "$command" >&2
      usage >&2
      exit 2
      ;;
  esac
}

main "$@"
