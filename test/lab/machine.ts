/** What this machine can do, so that a test that needs more skips and says so. */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { debianPlugins, executable } from "./plugin.ts"

const canMakeNetns = (): boolean => {
  if (process.getuid?.() !== 0) return false
  const name = `probe-${process.pid}`
  if (spawnSync("ip", ["netns", "add", name]).status !== 0) return false
  const kind =
    spawnSync("ip", ["-n", name, "link", "add", "v0", "type", "veth", "peer", "name", "v1"]).status === 0 &&
    spawnSync("ip", ["-n", name, "link", "add", "link", "v0", "name", "t0", "type", "macvtap"]).status === 0
  spawnSync("ip", ["netns", "del", name])
  return kind
}

/** Root, network namespaces, veth and macvtap: what live tests need. */
export const hasMacvtap: boolean = canMakeNetns()

/** iputils-ping, which can send a pattern. */
export const hasPing: boolean = spawnSync("ping", ["-V"]).stdout?.includes("iputils") ?? false

/** The executable under test has been built. */
export const hasExecutable: boolean = existsSync(executable)

/** Debian's CNI plugins are installed. */
export const hasDebianPlugins: boolean = existsSync(`${debianPlugins}/host-local`)
