#!/bin/sh
# The first process of the cluster, in namespaces of its own (space.ts makes them): gives it a root that is the machine's
# with a memory above it, so that whatever is written is gone with the last process, and a network that ends in a second
# namespace, `world`. Then it waits, and takes in whose parents have died.
#   space.sh STATE [FOLDER …]: folders of the machine that are seen as they are, at the same path
set -eu
state=$1
shift

mount --make-rprivate /
mkdir -p "$state/space"
mount -t tmpfs -o mode=755 tmpfs "$state/space"
cd "$state/space"
mkdir upper work root kubelet containerd logs
mount -t overlay -o "lowerdir=/,upperdir=$PWD/upper,workdir=$PWD/work" overlay root

mount -t proc proc root/proc
mount -t sysfs sysfs root/sys
# Each hierarchy by its controllers' name; the cgroup namespace makes the cluster's own group the root of it.
if grep -qv '^0::' /proc/self/cgroup; then
  mount -t tmpfs -o mode=755 tmpfs root/sys/fs/cgroup
  grep -v '^0::' /proc/self/cgroup | cut -d: -f2 | while read -r controllers; do
    [ -n "$controllers" ] || continue
    case $controllers in name=*) options=none,$controllers ;; *) options=$controllers ;; esac
    folder=root/sys/fs/cgroup/${controllers#name=}
    mkdir "$folder"
    mount -t cgroup -o "$options" cgroup "$folder"
    # `cpu,cpuacct` is looked for as either.
    for one in $(echo "${controllers#name=}" | tr , ' '); do
      [ -e "root/sys/fs/cgroup/$one" ] || ln -s "${controllers#name=}" "root/sys/fs/cgroup/$one"
    done
  done
else
  mount -t cgroup2 cgroup2 root/sys/fs/cgroup
fi

# Not the machine's devtmpfs: the nodes that a plugin makes are to be seen, and gone.
mount -t tmpfs -o mode=755 tmpfs root/dev
mkdir root/dev/pts root/dev/shm root/dev/mqueue root/dev/net
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts root/dev/pts
mount -t tmpfs tmpfs root/dev/shm
mount -t mqueue mqueue root/dev/mqueue
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 kmsg:1:11 net/tun:10:200; do
  numbers=${node#*:}
  mknod -m 666 "root/dev/${node%%:*}" c "${numbers%:*}" "${numbers#*:}"
done
ln -s pts/ptmx root/dev/ptmx
ln -s /proc/self/fd root/dev/fd
for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "root/dev/${n#*:}"; done

mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs -o mode=1777 tmpfs root/tmp
# Their files are read by the kernel through overlays and mounts of their own, which the root's overlay cannot carry.
for pair in kubelet:var/lib/kubelet containerd:var/lib/containerd logs:var/log; do
  mkdir -p "root/${pair#*:}"
  mount --bind "${pair%%:*}" "root/${pair#*:}"
done
for folder in "$state" "$@"; do
  mkdir -p "root$folder"
  mount --bind "$folder" "root$folder"
done
# The kubelet sets these for the whole machine. Here it only believes so.
for pair in vm/overcommit_memory:1 vm/panic_on_oom:0 kernel/panic:10 kernel/panic_on_oops:1 \
  kernel/keys/root_maxkeys:1000000 kernel/keys/root_maxbytes:25000000; do
  file=root/run/tunables/${pair%:*}
  mkdir -p "${file%/*}"
  echo "${pair#*:}" >"$file"
  mount --bind "$file" "root/proc/sys/${pair%:*}"
done

cd root
mkdir run/machine
pivot_root . run/machine
cd /
umount -l /run/machine
rmdir /run/machine
mount --make-rshared /
hostname node

# eth0 has the node's address and the default route; uplink is what networks are put on. Both end in `world`.
mkdir -p /run/netns
ip link set lo up
ip netns add world
ip link add eth0 type veth peer name gateway netns world
ip link add uplink type veth peer name wire netns world
ip address add 10.89.0.2/24 dev eth0
ip address add 10.90.0.2/24 dev uplink
ip -n world address add 10.89.0.1/24 dev gateway
ip -n world address add 10.90.0.1/24 dev wire
for link in eth0 uplink; do ip link set "$link" up; done
for link in lo gateway wire; do ip -n world link set "$link" up; done
ip route add default via 10.89.0.1
# The service `kubernetes`, without a kube-proxy: its address is the node's own, its port the API server's.
ip address add 10.96.0.1/32 dev lo
echo 1 >/proc/sys/net/ipv4/ip_forward

: >"$state/made"
while :; do
  sleep 86400 &
  wait $!
done
