# shellcheck shell=bash
# What this machine has: Python, room, Docker, NVIDIA. Looks and answers; changes nothing, except for
# apt_install, which is the one way in which anything is installed outside this folder.

# shellcheck disable=SC2034 # read where it is installed, and by the doctor
NEEDED_DISK_MB=5120 WANTED_RAM_MB=2048
PYTHONS="python3.13 python3.12 python3.11 python3 python python3.14"

# limited SECONDS COMMAND…: a driver or an engine that hangs must not hang us. macOS has no `timeout`.
limited() {
  local seconds=$1
  shift
  if command -v timeout >/dev/null 2>&1; then
    timeout "$seconds" "$@"
  elif command -v perl >/dev/null 2>&1; then
    perl -e 'alarm shift; exec @ARGV' "$seconds" "$@"
  else
    "$@"
  fi
}

python_version() {
  "$1" -c 'import platform, sys; print(platform.python_version()); sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# Whether its builder let a profile guide the compiler: distributions all do, and others say so of themselves.
# pyenv's are not unless it is told to, and take a quarter more of the processor for whatever we do.
is_optimised() {
  "$1" -c 'import sys, sysconfig
told = sysconfig.get_config_var("CONFIG_ARGS") or ""
sys.exit(sys.base_prefix != "/usr" and "--enable-optimizations" not in told)' >/dev/null 2>&1
}

# Prints a Python that will do, or fails. Of several the first, or one further on that is ready and optimised.
find_python() {
  local name candidate first=
  if [ -n "${SWITCHYARD_PYTHON:-}" ]; then
    python_version "$SWITCHYARD_PYTHON" >/dev/null && command -v "$SWITCHYARD_PYTHON"
    return
  fi
  for name in $PYTHONS; do
    while IFS= read -r candidate; do
      if [ -z "$candidate" ] || ! python_version "$candidate" >/dev/null; then continue; fi
      if is_optimised "$candidate" && can_make_environments "$candidate"; then
        printf '%s\n' "$candidate"
        return
      fi
      first=${first:-$candidate}
    done <<<"$(type -ap "$name")"
  done
  [ -n "$first" ] && printf '%s\n' "$first"
}

how_to_get_python() {
  if [ -n "${SWITCHYARD_PYTHON:-}" ]; then
    printf 'SWITCHYARD_PYTHON=%s is no Python 3.11 or newer: name another, or unset it' "$SWITCHYARD_PYTHON"
  elif [ "$(uname -s)" = Darwin ]; then
    printf 'no Python 3.11 or newer was found: install one from python.org or with "brew install python@3.13"'
  elif is_debian; then
    printf 'no Python 3.11 or newer was found: "apt-get install python3 python3-venv" (Debian 12, Ubuntu 24.04 or newer)'
  else
    printf 'no Python 3.11 or newer was found: install one, or name it with SWITCHYARD_PYTHON'
  fi
}

# A Python of Debian's comes without what makes environments.
can_make_environments() {
  "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

how_to_get_venv() {
  printf 'apt-get install python%s-venv' "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
}

is_debian() {
  [ -f /etc/debian_version ] && command -v apt-get >/dev/null 2>&1
}

may_install_packages() {
  is_debian && [ "$(id -u)" -eq 0 ]
}

APT_IS_FRESH=

apt_install() {
  if [ -z "$APT_IS_FRESH" ]; then
    apt-get update -qq || return
    APT_IS_FRESH=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

free_disk_mb() {
  df -Pk "$ROOT" | awk 'NR == 2 { print int($4 / 1024) }'
}

ram_mb() {
  if [ -r /proc/meminfo ]; then
    awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo
  else
    echo $(($(sysctl -n hw.memsize 2>/dev/null || echo 0) / 1048576))
  fi
}

# Prints: answers VERSION | no-client | no-permission | silent
docker_state() {
  local version
  if ! command -v docker >/dev/null 2>&1; then
    echo no-client
  elif version=$(limited 10 docker version --format '{{.Server.Version}}' 2>&1); then
    echo "answers $version"
  elif printf '%s' "$version" | grep -qi 'permission denied'; then
    echo no-permission
  else
    echo silent
  fi
}

# One line for each GPU, `name, memory`; fails where no NVIDIA driver works.
nvidia_gpus() {
  command -v nvidia-smi >/dev/null 2>&1 &&
    limited 15 nvidia-smi --query-gpu=name,memory.total --format=csv,noheader 2>/dev/null | grep .
}

# Whether Docker could hand a GPU to a container.
has_container_toolkit() {
  command -v nvidia-ctk >/dev/null 2>&1 || [ -e /etc/cdi/nvidia.yaml ] || [ -e /var/run/cdi/nvidia.yaml ] ||
    limited 10 docker info --format '{{json .Runtimes}}' 2>/dev/null | grep -q '"nvidia"'
}

someone_listens_on() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

describe_docker() {
  local state
  state=$(docker_state)
  case $state in
    answers*) printf 'Docker: engine %s answers' "${state#answers }" ;;
    no-client) printf 'Docker: not installed' ;;
    no-permission) printf 'Docker: this user may not use the engine' ;;
    *) printf 'Docker: no engine answers' ;;
  esac
}

describe_nvidia() {
  local gpus
  if gpus=$(nvidia_gpus); then
    printf 'NVIDIA: %s' "$(printf '%s' "$gpus" | tr '\n' ';')"
  else
    printf 'NVIDIA: no driver'
  fi
}

describe_choice() {
  say "$(describe_docker); $(describe_nvidia)"
  say "$(describe_runtime)"
}

describe_way() {
  local way
  way=$(way_to_run) || return
  case $way in
    compose) echo "Way: containers, for manager, proxy and engines (SWITCHYARD_UP=local: without)" ;;
    *) describe_runtime ;;
  esac
}

describe_runtime() {
  case ${SWITCHYARD_RUNTIME:-auto} in
    process) echo "Runtime: process (every engine runs as a process of this machine)" ;;
    docker) echo "Runtime: docker (every engine runs in a container)" ;;
    *) echo "Runtime: process where an engine is installed here, else a Docker container" ;;
  esac
}
