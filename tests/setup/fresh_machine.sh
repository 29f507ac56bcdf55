#!/usr/bin/env bash
# The promise of the README, kept on a machine that has only Python and git: a minimal Debian in a folder of
# its own, a clone of what is committed here, `up`, questions, `down`, and every test as CI runs them.
#
#   sudo tests/setup/fresh_machine.sh [FOLDER]       (longer than CI by an install, 10 GB; FOLDER is removed after)
#
# By hand, before a release: it needs root on Debian with debootstrap. The new machine reaches package
# registries as this one does: it gets this one's resolver, certificates, and settings of apt and pip.
set -euo pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
MACHINE=${1:-$(mktemp -d)/machine}
SUITE=${SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}

make_machine() {
  debootstrap --variant=minbase --include=python3,git,ca-certificates "$SUITE" "$MACHINE" >/dev/null
  cp /etc/resolv.conf /etc/hosts "$MACHINE/etc/"
  cp -a /etc/ssl/certs/. "$MACHINE/etc/ssl/certs/"
  rm -rf "$MACHINE"/etc/apt/sources.list*
  cp -a /etc/apt/sources.list* /etc/apt/apt.conf.d "$MACHINE/etc/apt/"
  if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$MACHINE/etc/"; fi
  if [ -d "$HOME/.config/pip" ]; then
    mkdir -p "$MACHINE/root/.config"
    cp -a "$HOME/.config/pip" "$MACHINE/root/.config/"
  fi
  git clone --quiet --bare "$REPOSITORY" "$MACHINE/root/switchyard.git"
}

# What runs inside. In a network of loopback only nothing could be installed, so the ports are the host's.
trial() {
  cat <<'TRIAL'
set -eu
cd /root
git clone --quiet switchyard.git switchyard
cd /
/root/switchyard/setup.sh doctor
time /root/switchyard/setup.sh up --detach
python3 - <<'ASK'
import json, os, urllib.request
def ask(path, **body):
    url = f"http://localhost:{os.environ.get('SWITCHYARD_PORT', '8080')}{path}"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=120).read()
question = [{"role": "user", "content": "What can you do?"}]
print(json.loads(ask("/v1/chat/completions", model="demo-chat", messages=question))["choices"][0]["message"]["content"])
assert ask("/v1/chat/completions", model="demo-chat", messages=question, stream=True).endswith(b"data: [DONE]\n\n")
assert json.loads(ask("/v1/images/generations", model="demo-image", prompt="a lighthouse"))["data"][0]["b64_json"]
ASK
/root/switchyard/setup.sh status
time /root/switchyard/setup.sh up --detach
/root/switchyard/setup.sh down
time CI=true bash /root/switchyard/.ci/run </dev/null
TRIAL
}

# With processes and mounts of its own, so that all of them end with it.
# shellcheck disable=SC2016 # expanded inside
INSIDE='
set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /sys "$1/sys"
mount --rbind /dev "$1/dev"
mount -t tmpfs tmpfs "$1/run"
for folder in ${PIP_FIND_LINKS:-} $(pip config get global.find-links 2>/dev/null || true); do
  if [ -d "$folder" ]; then mkdir -p "$1$folder"; mount --bind -o ro "$folder" "$1$folder"; fi
done
exec env -u PYTHONPATH HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  chroot "$1" /bin/bash /root/trial.sh
'

if [ -e "$MACHINE" ]; then
  echo "cannot use $MACHINE: it exists, and this would remove it; name a folder that is not there" >&2
  exit 1
fi
trap 'rm -rf "$MACHINE"' EXIT
make_machine
trial >"$MACHINE/root/trial.sh"
unshare --mount --pid --fork bash -c "$INSIDE" fresh-machine "$MACHINE" </dev/null
