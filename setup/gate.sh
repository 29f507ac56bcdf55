# shellcheck shell=bash
# `check`: the gate, the same by hand and in CI. Every tool runs, side by side, whatever the others found;
# each one's output is shown only if it has something to say. Never needs torch, Docker or a browser.

GATE_STEPS="format lint types imports docs shell manager admin proxy tests planted"

check() {
  prepare check
  local failed=
  clean_up_at_the_end
  RESULTS=$(mktemp -d)
  run_gate "$RESULTS" || failed=yes
  if [ -n "$failed" ]; then die "The gate is shut: mend what is marked \"fail\"."; fi
  say "The gate is open."
}

# run_gate FOLDER: results there, one `.code` and one `.log` for each step, and what the tests said as XML.
run_gate() {
  local work=$1 name began=$SECONDS code=0
  say "The gate: $GATE_STEPS"
  for name in $GATE_STEPS; do
    start_job gate_job "$name" "$work"
  done
  wait_for_jobs || true
  for name in $GATE_STEPS; do
    report_gate_step "$name" "$work" || code=1
  done
  say "The gate took $((SECONDS - began)) s."
  return "$code"
}

gate_job() {
  local name=$1 work=$2 began=$SECONDS code=0
  (cd "$ROOT" && "gate_$name" "$work") >"$work/$name.log" 2>&1 </dev/null || code=$?
  printf '%s %s\n' "$code" $((SECONDS - began)) >"$work/$name.code"
}

report_gate_step() {
  local name=$1 work=$2 code=lost took=0
  if [ -f "$work/$name.code" ]; then read -r code took <"$work/$name.code"; fi
  if [ "$code" = 0 ]; then
    printf '  ok    %-8s %3s s   %s\n' "$name" "$took" "$(tail -n 1 "$work/$name.log")"
    return 0
  fi
  printf '  fail  %-8s %3s s\n' "$name" "$took"
  sed 's/^/        /' "$work/$name.log"
  return 1
}

gate_format() { .venv/bin/ruff format --check .; }

gate_lint() { .venv/bin/ruff check .; }

gate_types() { .venv/bin/mypy; }

gate_imports() { .venv/bin/lint-imports; }

gate_docs() { .venv/bin/python docs/generate.py --check; }

gate_shell() { .venv/bin/shellcheck --external-sources setup.sh setup/*.sh .ci/run requirements/*.sh tests/setup/*.sh; }

# The manager's tests wait for real processes, so they run beside the others, not before them.
gate_manager() {
  gate_pytest "$1/manager.xml" tests/manager --ignore=tests/manager/api --ignore=tests/manager/cli
}

# The manager's admin interface and its command line, against real managers.
gate_admin() { gate_pytest "$1/admin.xml" tests/manager/api tests/manager/cli; }

gate_proxy() { gate_pytest "$1/proxy.xml" tests/proxy; }

# All the rest.
gate_tests() {
  gate_pytest "$1/tests.xml" tests --ignore=tests/manager --ignore=tests/proxy --ignore=tests/image_server/engine \
    --ignore=tests/e2e --ignore=tests/setup/real --ignore=tests/gate --ignore=tests/clients --ignore=tests/ui/browser
}

# The gate's own tests: faults planted in copies of the tree.
gate_planted() { gate_pytest "$1/planted.xml" tests/gate; }

gate_pytest() {
  local results=$1
  shift
  forget_settings
  .venv/bin/python -m pytest --color=no -q --junit-xml="$results" "$@"
}

# The operator's own settings are no part of what is tested.
forget_settings() {
  local name
  for name in "${!SWITCHYARD_@}"; do unset "$name"; done
}
