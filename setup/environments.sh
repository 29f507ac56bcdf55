# shellcheck shell=bash
# The two environments: .venv (manager and proxy, never torch) and .venv-image-server (the engine). What an
# environment was made from is noted inside it, so what is current is left alone, and one whose making was
# cut short is made anew. Never installs outside the two folders.

CONTROL_ENV=$ROOT/.venv
IMAGE_SERVER_ENV=$ROOT/.venv-image-server
# Where a shell says so (images for development do), every process would compile its thousands of files for itself,
# and an engine's start takes twice its time.
unset PYTHONDONTWRITEBYTECODE
MENDING="look at the lines above (a network? a full disk?) and run the same command again"

# prepare run|check|test: what those commands need, and nothing where that is there.
prepare() {
  local purpose=$1
  if is_prepared "$purpose"; then
    return 0
  fi
  local python
  python=$(python_to_use) || die "cannot install: $(how_to_get_python)"
  lock_environments "$python"
  # Another setup may have done it while this one waited.
  if ! is_prepared "$purpose"; then
    say "Installing with Python $(python_version "$python") ($python)"
    refuse_a_full_disk
    warn_of_little_memory
    prepare_control "$purpose" "$python"
    if [ "$purpose" != check ]; then prepare_image_server "$purpose" "$python"; fi
  fi
  exec 9>&-
}

is_prepared() {
  case $1 in
    run) { has control || has check; } && { has image-server || has image-server-test; } && has_torch ;;
    check) has check ;;
    test) has check && has image-server-test && has_torch ;;
  esac
}

# An environment stays with the Python it was made with, for as long as that works and is not ruled out.
python_to_use() {
  local own=$CONTROL_ENV/bin/python
  if [ -z "${SWITCHYARD_PYTHON:-}" ] && [ -x "$own" ] && python_version "$own" >/dev/null; then
    "$own" -c 'import sys; print(sys._base_executable)'
  else
    find_python
  fi
}

# Held by the kernel, on the folder itself: free again when the last process that installs has ended.
lock_environments() {
  local grab='import fcntl, sys; fcntl.flock(9, fcntl.LOCK_EX | (fcntl.LOCK_NB if sys.argv[1] == "now" else 0))'
  if [ ! -w "$ROOT" ]; then
    die "cannot write to $ROOT: give this user the folder, or clone it elsewhere"
  fi
  exec 9<"$ROOT"
  if ! "$1" -c "$grab" now 2>/dev/null; then
    say "Another setup is at work in this folder: waiting until it is done"
    "$1" -c "$grab" wait
  fi
}

# refuse_a_full_disk [MB]
refuse_a_full_disk() {
  local free needed=${1:-$NEEDED_DISK_MB}
  free=$(free_disk_mb)
  if [ "${free:-0}" -lt "$needed" ]; then
    die "cannot install: $ROOT has ${free:-0} MB free and needs $needed MB; make room, or clone to another disk"
  fi
}

warn_of_little_memory() {
  local ram
  ram=$(ram_mb)
  if [ "$ram" -lt "$WANTED_RAM_MB" ]; then
    say "Warning: this machine has $ram MB of memory; even the demo models want $WANTED_RAM_MB MB"
  fi
}

environment_of() {
  case $1 in
    control | check) echo "$CONTROL_ENV" ;;
    *) echo "$IMAGE_SERVER_ENV" ;;
  esac
}

# What a set of packages is made from. Changes with the folder, too: environments hold absolute paths.
recipe() {
  printf 'folder %s\n' "$ROOT"
  printf 'python %s\n' "$(python_version "$(environment_of "$1")/bin/python")"
  (cd "$ROOT" && cksum requirements/uv.txt "requirements/$1.txt" ./*/pyproject.toml)
}

has() {
  local env
  env=$(environment_of "$1")
  is_whole "$env" && [ -f "$env/.made/$1" ] && [ "$(recipe "$1")" = "$(cat "$env/.made/$1")" ]
}

note() {
  recipe "$1" >"$(environment_of "$1")/.made/$1"
}

# Made to its end, in this folder, by a Python that is still there and is the one asked for.
is_whole() {
  local version
  [ -f "$1/.made/whole" ] && [ "$(cat "$1/.made/whole")" = "$ROOT" ] &&
    version=$(python_version "$1/bin/python") &&
    { [ -z "${SWITCHYARD_PYTHON:-}" ] || [ "$version" = "$(python_version "$SWITCHYARD_PYTHON")" ]; }
}

prepare_control() {
  local purpose=$1 python=$2 set=control
  if [ "$purpose" != run ]; then set=check; fi
  if has "$set" || { [ "$set" = control ] && has check; }; then
    return 0
  fi
  make_environment "$CONTROL_ENV" "$python"
  step "Fetching uv" "$MENDING" pip_install "$CONTROL_ENV" --require-hashes -r "$ROOT/requirements/uv.txt"
  if [ "$set" = check ]; then
    # The image server's own code is checked and tested here too, as far as that needs no torch.
    step "Installing manager, proxy and the gate's tools" "$MENDING" \
      install_locked "$CONTROL_ENV" check contracts manager proxy image-server
  else
    step "Installing manager and proxy" "$MENDING" install_locked "$CONTROL_ENV" control contracts manager proxy
  fi
  finish_environment "$CONTROL_ENV" "$set"
}

prepare_image_server() {
  local purpose=$1 python=$2 set=image-server
  if [ "$purpose" = test ]; then set=image-server-test; fi
  if ! has "$set" && ! { [ "$set" = image-server ] && has image-server-test; }; then
    make_environment "$IMAGE_SERVER_ENV" "$python"
    step "Installing the image server (Diffusers, Transformers)" "$MENDING" \
      install_locked "$IMAGE_SERVER_ENV" "$set" contracts image-server
    finish_environment "$IMAGE_SERVER_ENV" "$set"
  fi
  if ! has_torch; then install_torch; fi
}

# Anew, unless what is there was made to its end: half an install looks whole to every installer.
make_environment() {
  local env=$1 python=$2
  if ! is_whole "$env"; then
    remove_environment "$env"
    ensure_venv_module "$python"
    step "Making $(basename "$env")" "$MENDING" make_empty_environment "$env" "$python"
  fi
  mkdir -p "$env/.made"
  rm -f "$env/.made/whole"
}

remove_environment() {
  if [ -d "$1" ] && [ ! -d "$1/.made" ]; then
    say "$1 was not made by this script: it is kept as $1-before-$$"
    mv "$1" "$1-before-$$" || die "cannot move $1 aside: do so by hand, then run the same command again"
  fi
  rm -rf "$1"
}

finish_environment() {
  note "$2"
  printf '%s\n' "$ROOT" >"$1/.made/whole"
}

ensure_venv_module() {
  if can_make_environments "$1" || command -v uv >/dev/null 2>&1; then
    return 0
  fi
  if ! may_install_packages; then
    die "cannot make an environment with $1: its venv module is not installed; as root: $(how_to_get_venv "$1")"
  fi
  # shellcheck disable=SC2046 # the last word is the package
  step "Installing Python's venv module" "install it by hand: $(how_to_get_venv "$1")" \
    apt_install $(how_to_get_venv "$1" | sed 's/.* //')
}

make_empty_environment() {
  if can_make_environments "$2"; then
    "$2" -m venv "$1"
  else
    uv venv --python "$2" "$1"
  fi
}

# pip as the operator configured it; where the environment came without, uv.
pip_install() {
  local env=$1
  shift
  if [ -x "$env/bin/pip" ]; then
    "$env/bin/python" -m pip install --disable-pip-version-check --no-input "$@"
  else
    uv_install "$env" "$@"
  fi
}

uv_install() {
  local env=$1 uv=$CONTROL_ENV/bin/uv
  shift
  if [ ! -x "$uv" ]; then uv=uv; fi
  "$uv" pip install --no-progress --python "$env/bin/python" "$@"
}

# install_locked ENV SET MEMBER…: what the lock says, then our own packages as they stand in this folder.
install_locked() {
  local env=$1 set=$2 member
  shift 2
  uv_install "$env" --no-deps --require-hashes -r "$ROOT/requirements/$set.txt" || return
  for member in "$@"; do
    uv_install "$env" --no-deps -e "$ROOT/$member" || return
  done
}
