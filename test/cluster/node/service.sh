#!/bin/sh
# Runs a part of the cluster as a service manager would: in the cluster's control group, what it says in a file, and again a
# second after it has ended.
#   service.sh PIDS LOG COMMAND …: its own number is in PIDS.service, the part's in PIDS
pids=$1
log=$2
shift 2
for file in /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/init/cgroup.procs; do
  [ ! -e "$file" ] || echo $$ >"$file"
done
echo $$ >"$pids.service"
while :; do
  "$@" >>"$log" 2>&1 &
  echo $! >"$pids"
  wait $!
  sleep 1
done
