/**
 * Before the tests: what calls leave on a node (whose a tap's number is, what the device plugin offers) is the suite's own,
 * in a mount namespace that the tests' processes inherit, so that suites side by side, and the machine's own plugin, do not
 * hear of each other. Everything else is mounted there as it is here.
 */
import { spawnSync } from "node:child_process"

const CLONE_NEWNS = 0x20000

const folders = ["/run/macvtap-cni", "/var/lib/macvtap-cni"]

export const setup = async (): Promise<void> => {
  if (process.getuid?.() !== 0) return
  const { unshare } = await import("../../../src/live/system/libc.ts")
  try {
    // Of this thread alone, which starts all of the tests' processes.
    unshare(CLONE_NEWNS)
  } catch {
    // Root without the right to it, as in a container: live tests skip by themselves.
    return
  }
  for (const folder of folders) {
    const script = `
      mkdir -p ${folder}
      mount --make-private "$(stat -c %m ${folder})"
      mount -t tmpfs -o mode=700 none ${folder}`
    const { status, stderr } = spawnSync("sh", ["-ec", script], { encoding: "utf8" })
    if (status !== 0) process.stderr.write(`${folder} is not the tests' own: ${stderr}`)
  }
}
