# shellcheck shell=bash
# PyTorch, installed apart: its CUDA build brings gigabytes that a machine without a GPU has no use for,
# and only a machine with one can use it. Names no index: uv knows where PyTorch keeps its CPU builds.

# The kind wanted here. A build for CUDA runs on a CPU as well, so a driver that went away changes nothing.
torch_kind() {
  if [ -n "${SWITCHYARD_TORCH_INSTALL:-}" ]; then
    printf 'own %s' "$SWITCHYARD_TORCH_INSTALL"
  elif [ "$(uname -s)" != Linux ]; then
    printf 'plain'
  elif nvidia_gpus >/dev/null; then
    printf 'cuda'
  else
    printf 'cpu'
  fi
}

torch_recipe() {
  printf '%s\n' "$1"
  (cd "$ROOT" && cksum requirements/torch.txt)
}

has_torch() {
  local noted=$IMAGE_SERVER_ENV/.made/torch kind
  [ -f "$noted" ] || return 1
  kind=$(torch_kind)
  [ "$(torch_recipe "$kind")" = "$(cat "$noted")" ] ||
    { [ "$kind" = cpu ] && [ "$(torch_recipe cuda)" = "$(cat "$noted")" ]; }
}

install_torch() {
  local kind
  kind=$(torch_kind)
  # Cut short from here on, the environment is made anew: pip cannot replace half a package.
  rm -f "$IMAGE_SERVER_ENV/.made/whole" "$IMAGE_SERVER_ENV/.made/torch"
  case $kind in
    own*)
      # shellcheck disable=SC2086 # the operator's own words, as many as they are
      step "Installing PyTorch as SWITCHYARD_TORCH_INSTALL says" "mend SWITCHYARD_TORCH_INSTALL and run the same command again" \
        pip_install "$IMAGE_SERVER_ENV" $SWITCHYARD_TORCH_INSTALL
      ;;
    cpu) install_torch_for_cpu "$IMAGE_SERVER_ENV" ;;
    *) install_torch_with_pip "$IMAGE_SERVER_ENV" "Installing PyTorch (build: $kind)" ;;
  esac
  torch_recipe "$kind" >"$IMAGE_SERVER_ENV/.made/torch"
  printf '%s\n' "$ROOT" >"$IMAGE_SERVER_ENV/.made/whole"
}

# install_torch_for_cpu ENV
install_torch_for_cpu() {
  if attempt "Installing PyTorch (CPU build)" "$(setup_log)" cpu_torch_from_pytorch "$1"; then
    return 0
  fi
  say "PyTorch's own index of CPU builds cannot be reached: taking what pip finds, which may be the build for"
  say "CUDA, with gigabytes of NVIDIA's libraries (to choose yourself: SWITCHYARD_TORCH_INSTALL)"
  install_torch_with_pip "$1" "Installing PyTorch (what pip finds)"
}

# Gives up soon: there is another way.
cpu_torch_from_pytorch() {
  UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-20} UV_HTTP_RETRIES=${UV_HTTP_RETRIES:-1} \
    uv_install "$1" --no-deps --torch-backend cpu -r "$ROOT/requirements/torch.txt"
}

install_torch_with_pip() {
  step "$2" "$MENDING" pip_install "$1" -r "$ROOT/requirements/torch.txt"
}
