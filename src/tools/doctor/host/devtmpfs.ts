/** Whether the kernel's tap nodes appear in /dev: it makes them in its devtmpfs, and nowhere else. */
import { join } from "node:path"
import { readText } from "../../node/files.ts"
import { type Finding, fine, wrong } from "../Finding.ts"

interface Mount {
  readonly point: string
  readonly options: ReadonlyArray<string>
  readonly type: string
}

const check = "/dev"

const consequence = "a link without a device of the device plugin gets no /dev/tapN"

const remedy =
  "use the device plugin's resources, which bring nodes of their own, or give the node the host's /dev " +
  `(kind: extraMounts with hostPath /dev)`

/** `mountinfo` is the text of /proc/self/mountinfo. */
export const devtmpfs = (root: string, mountinfo = readText("/proc/self/mountinfo") ?? ""): Finding => {
  const dev = join(root, "dev")
  const mount = readMounts(mountinfo).findLast(({ point }) => point === dev)
  if (mount === undefined)
    return wrong(check, `${dev} is an ordinary folder, not the host's devtmpfs: ${consequence}`, remedy)
  if (mount.type !== "devtmpfs")
    return wrong(check, `${dev} is a ${mount.type}, not the host's devtmpfs: ${consequence}`, remedy)
  if (mount.options.includes("nodev")) {
    return wrong(check, `${dev} is mounted nodev: no tap can be opened there`, `mount -o remount,dev ${dev}`)
  }
  return fine(check, "it is the host's devtmpfs")
}

/** proc_pid_mountinfo(5): `36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw`; later mounts cover earlier ones. */
const readMounts = (mountinfo: string): ReadonlyArray<Mount> =>
  mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ")
    const [, , , , point, options = ""] = before.split(" ")
    const [type] = after.split(" ")
    return point === undefined || type === undefined ? [] : [{ point, options: options.split(","), type }]
  })
