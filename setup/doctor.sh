# shellcheck shell=bash
# `doctor`: one line for each thing that Switchyard meets on this machine, with its remedy. Needs nothing
# installed, changes nothing; once something is installed, that looks further (`switchyard doctor`). Only a
# `fail` would keep `up`, or a model, from working.

DOCTOR_FAILS=0

ok() { printf '  ok    %s\n' "$1"; }

warn() { printf '  warn  %s\n        %s\n' "$1" "$2"; }

fail() {
  printf '  fail  %s\n        %s\n' "$1" "$2"
  DOCTOR_FAILS=$((DOCTOR_FAILS + 1))
}

doctor() {
  say "Switchyard $(version) in $ROOT"
  examine_system
  examine_python
  examine_room
  if runs_in_compose && has_containers; then
    examine_containers
  elif examine_environments && is_prepared run; then
    examine_with_what_is_installed
  else
    examine_docker
    examine_nvidia
    examine_port "${SWITCHYARD_PORT:-8080}" SWITCHYARD_PORT "for clients"
    examine_port "${SWITCHYARD_MANAGER_PORT:-8079}" SWITCHYARD_MANAGER_PORT "for the manager"
  fi
  say "$(describe_way)"
  if [ "$DOCTOR_FAILS" -gt 0 ]; then
    die "cannot run here yet: mend what is marked \"fail\", then run ./setup.sh doctor again"
  fi
}

# The same from within: what the manager sees is what counts.
examine_containers() {
  local service id
  for service in manager gate proxy; do
    if has_service "$service"; then
      if id=$(container_of "$service"); then
        ok "container of the $service: $(docker inspect --format '{{.State.Health.Status}}' "$id")"
      else
        fail "container of the $service: it does not run" "./setup.sh up starts it; docker compose logs $service says why it ended"
      fi
    fi
  done
  if id=$(container_of manager); then
    docker exec "$id" switchyard doctor || DOCTOR_FAILS=$((DOCTOR_FAILS + 1))
  fi
}

# Docker, GPUs, disks, ports, the catalog, the manager. In a shell of its own: it must not end this one.
examine_with_what_is_installed() {
  (
    environment_for_the_launcher
    exec "$CONTROL_ENV/bin/switchyard" doctor
  ) || DOCTOR_FAILS=$((DOCTOR_FAILS + 1))
}

examine_system() {
  local system
  system="$(uname -s) $(uname -m)"
  case $system in
    Linux* | Darwin*) ok "$system" ;;
    *) fail "$system" "Switchyard runs on Linux and macOS; on Windows, use it inside WSL 2" ;;
  esac
  if command -v git >/dev/null 2>&1; then
    ok "$(git --version)"
  else
    warn "git: not found" "updates and the tests want it: install git"
  fi
}

examine_python() {
  local python
  if ! python=$(find_python); then
    fail "Python" "$(how_to_get_python)"
    return
  fi
  if is_optimised "$python"; then
    ok "Python $(python_version "$python") ($python)"
  else
    warn "Python $(python_version "$python") ($python): built without optimisations" \
      "it works, and takes a quarter more of the processor: install your system's own, or name one with SWITCHYARD_PYTHON"
  fi
  if can_make_environments "$python"; then
    ok "environments: made with Python's own venv"
  elif command -v uv >/dev/null 2>&1; then
    ok "environments: made with uv, as Python's own venv is not installed"
  elif may_install_packages; then
    warn "environments: Python's venv is not installed" "./setup.sh up will install it ($(how_to_get_venv "$python"))"
  else
    fail "environments: Python's venv is not installed" "as root: $(how_to_get_venv "$python")"
  fi
}

examine_room() {
  local free ram
  free=$(free_disk_mb)
  if [ "${free:-0}" -ge "$NEEDED_DISK_MB" ] || is_prepared run 2>/dev/null; then
    ok "disk: ${free:-0} MB free"
  else
    fail "disk: ${free:-0} MB free" "installing needs $NEEDED_DISK_MB MB: make room, or clone to another disk"
  fi
  ram=$(ram_mb)
  if [ "$ram" -ge "$WANTED_RAM_MB" ]; then
    ok "memory: $ram MB"
  else
    warn "memory: $ram MB" "even the demo models want $WANTED_RAM_MB MB: expect swapping"
  fi
}

examine_docker() {
  case $(docker_state) in
    answers*) ok "$(describe_docker)" ;;
    no-client) warn "$(describe_docker)" "engines that are not installed here run in containers: install Docker Engine or Docker Desktop" ;;
    no-permission) warn "$(describe_docker)" "engines that are not installed here need it; to allow it: sudo usermod -aG docker \"\$USER\", then log in again" ;;
    *) warn "$(describe_docker)" "engines that are not installed here need one; to start it: sudo systemctl start docker, or Docker Desktop" ;;
  esac
}

examine_nvidia() {
  local gpus gpu
  if ! gpus=$(nvidia_gpus); then
    warn "NVIDIA: no driver works" "models run on the CPU; with a GPU, install its driver until nvidia-smi lists it"
    return
  fi
  while IFS= read -r gpu; do
    ok "NVIDIA: $gpu"
  done <<EOT
$gpus
EOT
  if has_container_toolkit; then
    ok "NVIDIA container toolkit: found"
  else
    warn "NVIDIA container toolkit: not found" "containers with a GPU want it: install nvidia-container-toolkit"
  fi
}

examine_port() {
  local port=$1 setting=$2 purpose=$3
  if ! someone_listens_on "$port"; then
    ok "port $port ($purpose): free"
  elif we_are_up; then
    ok "port $port ($purpose): Switchyard itself"
  else
    fail "port $port ($purpose): taken" "end what listens there, or choose another with $setting"
  fi
}

# As the launcher's note says; believed while its process lives.
we_are_up() {
  local pid
  pid=$(sed -n 's/.*"pid": *\([0-9][0-9]*\).*/\1/p' "$STATE/up.json" 2>/dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null
}

examine_environments() {
  if is_prepared run; then
    ok "installed, and up to date"
  elif [ -d "$CONTROL_ENV/.made" ]; then
    warn "installed, but not up to date" "./setup.sh up renews it"
  else
    warn "not installed yet" "./setup.sh up installs it"
  fi
}
