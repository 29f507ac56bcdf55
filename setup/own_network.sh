#!/bin/sh
# In a network that was just made (`unshare --net`): this machine as it sees itself and as a LAN sees it, and
# nobody else. Then the command that follows.
set -eu
ip link set lo up
ip link add lan type veth peer name nobody
ip address add 192.168.77.2/24 dev lan
ip link set lan up
ip link set nobody up
ip route add default via 192.168.77.1
exec "$@"
