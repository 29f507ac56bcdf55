# shellcheck shell=bash
# A network for one command alone: this machine as it sees itself and as a LAN sees it, and nobody else.

may_have_own_network() {
  command -v ip >/dev/null 2>&1 && (in_own_network true) 2>/dev/null
}

# in_own_network COMMAND…: in place of this shell.
in_own_network() {
  # shellcheck disable=SC2016 # for the shell that follows
  exec unshare --net bash -c '. "$0" && make_network && exec "$@"' "$ROOT/setup/own_network.sh" "$@"
}

# Of the one that was just made, with nothing in it.
make_network() {
  ip link set lo up &&
    ip link add lan type veth peer name nobody &&
    ip address add 192.168.77.2/24 dev lan &&
    ip link set lan up &&
    ip link set nobody up &&
    ip route add default via 192.168.77.1
}
