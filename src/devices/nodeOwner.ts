/** Whose a tap's node is unless a network says otherwise. */

/** QEMU's user and group in KubeVirt; what is granted to a container is decided by its cgroup, not by the mode. */
export const nodeOwner = { owner: 107, group: 107, mode: 0o660 } as const
