# shellcheck shell=bash
# The clients that tests/clients asks the proxy with: two environments of Python (openai-python 2 beside the
# others, which need 3), and npm's folder for those that run on Node, which comes with the first. Each notes
# what it was made from, as the environments of environments.sh do. Only tests need them.

CLIENTS_ENV=$ROOT/.venv-clients
OPENAI2_ENV=$ROOT/.venv-clients-openai2
NODE_CLIENTS=$ROOT/tests/clients/node

# Nothing where all is there. What cannot be made stops the tests: they would leave out every client.
prepare_clients() {
  if has_clients; then
    return 0
  fi
  local python
  python=$(python_to_use) || die "cannot install: $(how_to_get_python)"
  lock_environments "$python"
  # Another setup may have done it while this one waited.
  if ! has_clients; then
    prepare_python_clients clients "$CLIENTS_ENV" "$python"
    prepare_python_clients clients-openai2 "$OPENAI2_ENV" "$python"
    prepare_node_clients
  fi
  exec 9>&-
}

has_clients() {
  has_python_clients clients "$CLIENTS_ENV" && has_python_clients clients-openai2 "$OPENAI2_ENV" && has_node_clients
}

# prepare_python_clients SET ENV PYTHON
prepare_python_clients() {
  local set=$1 env=$2 python=$3
  if has_python_clients "$set" "$env"; then
    return 0
  fi
  make_environment "$env" "$python"
  step "Installing clients for the tests (requirements/$set.txt)" "$MENDING" install_locked "$env" "$set"
  python_clients_recipe "$set" "$env" >"$env/.made/$set"
  printf '%s\n' "$ROOT" >"$env/.made/whole"
}

has_python_clients() {
  is_whole "$2" && [ -f "$2/.made/$1" ] && [ "$(python_clients_recipe "$1" "$2")" = "$(cat "$2/.made/$1")" ]
}

python_clients_recipe() {
  printf 'folder %s\n' "$ROOT"
  printf 'python %s\n' "$(python_version "$2/bin/python")"
  (cd "$ROOT" && cksum "requirements/$1.txt")
}

prepare_node_clients() {
  if has_node_clients; then
    return 0
  fi
  step "Installing clients for the tests that run on Node (two of them are programs of 400 MB)" "$MENDING" \
    install_node_clients
  node_clients_recipe >"$NODE_CLIENTS/node_modules/.made"
}

has_node_clients() {
  [ -f "$NODE_CLIENTS/node_modules/.made" ] &&
    [ "$(node_clients_recipe)" = "$(cat "$NODE_CLIENTS/node_modules/.made")" ]
}

node_clients_recipe() {
  (cd "$ROOT" && cksum requirements/clients.txt tests/clients/node/package.json tests/clients/node/package-lock.json)
}

# Packages get to run no scripts of theirs: none of these needs one.
install_node_clients() (
  cd "$NODE_CLIENTS" || return
  export PATH="$CLIENTS_ENV/bin:$PATH"
  npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier
)
