/**
 * What sysfs says of a namespace's link. The sysfs that lies on /sys shows the namespace of whoever mounted it, so one is
 * mounted for the link's namespace: detached, in no mount tree, gone with its descriptor.
 */
import { closeSync } from "node:fs"
import type { Netns } from "../../link/Netns.ts"
import type { DeviceNumber } from "../../services/TapService.ts"
import { inside } from "../netns/enter.ts"
import { SystemError } from "../system/errno.ts"
import { readKernelText } from "../system/kernelText.ts"
import { fsconfigCreate, fsmount, fsopen, openat } from "../system/libc.ts"

/** MOUNT_ATTR_RDONLY | NOSUID | NODEV | NOEXEC: in a user namespace nothing less is allowed. */
const mountAttributes = 1 | 2 | 4 | 8

const using = <A>(fd: number, step: (fd: number) => A, close: (fd: number) => void = closeSync): A => {
  try {
    return step(fd)
  } finally {
    close(fd)
  }
}

/**
 * `devices/virtual/net/<name>/tap<index>/dev`, which `class/net/<name>` leads to by a detour. `closeMount` closes the
 * mount, which takes longer than all the rest: 0.4 ms, and some more where much is going on. The namespace is taken by
 * fsopen(2) alone, so only that happens inside it. 0.3 ms the first time in a process, 0.15 ms after that: the mount was
 * never visible, so no RCU grace period ends it.
 */
export const readDeviceNumber = (
  netns: Netns,
  link: { readonly name: string; readonly index: number },
  closeMount: (fd: number) => void
): DeviceNumber => {
  if (link.name === "" || link.name === "." || link.name === ".." || link.name.includes("/")) {
    throw new SystemError("openat", "EINVAL")
  }
  const mount = using(
    inside(netns, () => fsopen("sysfs")),
    (context) => {
      fsconfigCreate(context)
      return fsmount(context, mountAttributes)
    }
  )
  return using(
    mount,
    (root) => using(openat(root, `devices/virtual/net/${link.name}/tap${link.index}/dev`, 0), readKernelText),
    closeMount
  )
}
