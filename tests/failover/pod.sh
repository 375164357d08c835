#!/usr/bin/env bash
# A Pod of tests/failover.rs: starts in network, mount and host-name namespaces of its own, takes its address, makes itself a
# root with the image's files and the Pod's volumes, and becomes its container, whose environment it was given.
#
#   pod.sh DIRECTORY HOME NAME ADDRESS CABLE HOST COMMAND...
#
# DIRECTORY  of the Pod: `hosts`, `account` with the files of its ServiceAccount, `mounts` with lines of mode (ro, rw),
#            source and path
# HOME       the FLINK_HOME that the image has at /opt/flink
# CABLE      what the other end of the Pod's cable is called at the bridge
# HOST       a process in the network namespace of the bridge
set -euo pipefail
directory=$1 home=$2 name=$3 address=$4 cable=$5 host=$6
shift 6

hostname "$name"
ip link set lo up
# An address has one card for ever: a container that starts again is known to its neighbours.
# shellcheck disable=SC2046,SC2086
card=$(printf '02:00:%02x:%02x:%02x:%02x' ${address//./ })
ip link add eth0 address "$card" type veth peer name "$cable" netns "$host"
ip address add "$address/16" dev eth0
ip link set eth0 up
nsenter --target "$host" --net ip link set "$cable" master bridge up

# What the container writes is in this namespace's memory and goes with it.
layers=$directory/layers
root=$layers/root
mkdir -p "$layers"
mount -t tmpfs tmpfs "$layers"
mkdir "$layers/upper" "$layers/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layers/upper,workdir=$layers/work" "$root"
for system in dev sys; do mount --rbind "/$system" "$root/$system"; done
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"

# The image.
flink=$root/opt/flink
mkdir -p "$flink/log" "$flink/usrlib"
cp -r "$home/bin" "$home/conf" "$flink"
for part in lib opt plugins; do
    mkdir -p "$flink/$part"
    if [ -d "$home/$part" ]; then mount --bind "$home/$part" "$flink/$part"; fi
done
cp "$(dirname "$0")/entrypoint.sh" "$root/docker-entrypoint.sh"
chmod 755 "$root/docker-entrypoint.sh"

# The Pod.
account=$root/run/secrets/kubernetes.io/serviceaccount
mkdir -p "$account"
cp "$directory/account/"* "$account"
mount --bind "$directory/hosts" "$root/etc/hosts"
while IFS=$'\t' read -r mode source path; do
    if [ -d "$source" ]; then
        mkdir -p "$root$path"
    else
        mkdir -p "$(dirname "$root$path")"
        touch "$root$path"
    fi
    mount --bind "$source" "$root$path"
    mount -o "remount,bind,$mode" "$root$path"
done <"$directory/mounts"

exec unshare --pid --fork --kill-child --mount-proc="$root/proc" chroot "$root" env --chdir=/opt/flink "$@"
