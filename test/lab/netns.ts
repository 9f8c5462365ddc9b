/** Namespaces and links for one test, gone when its block ends: `await using host = await makeHost("e2-add")`. */
import { existsSync } from "node:fs"
import { ip, run } from "./run.ts"

export interface TestNetns extends AsyncDisposable {
  readonly name: string
  /** `/run/netns/<name>`, what CNI_NETNS takes. */
  readonly path: string
  /** `ip -n <name> …`, has to succeed. */
  readonly ip: (words: string) => Promise<string>
}

let counter = 0

/** A new namespace named `<prefix>-<pid>-<n>`, loopback up; removed at the end of the scope. */
export const makeNetns = async (prefix: string): Promise<TestNetns> => {
  const name = `${prefix}-${process.pid}-${++counter}`
  await ip(`netns add ${name}`)
  await ip(`-n ${name} link set lo up`)
  return {
    name,
    path: `/run/netns/${name}`,
    ip: (words) => ip(`-n ${name} ${words}`),
    [Symbol.asyncDispose]: async () => {
      if (existsSync(`/run/netns/${name}`)) await run("ip", ["netns", "del", name])
    }
  }
}

export interface TestHost extends TestNetns {
  /** The master's name in the host's namespace: `eth0`. */
  readonly master: string
}

/**
 * No two hosts of this machine have a master of the same ifindex: who is on it, in other namespaces, is told by that. Far
 * below the ifindexes that the plugin chooses.
 */
let lastMaster = 1000 + process.pid * 100

/**
 * A namespace that stands in for the host: `eth0` in it is one end of a veth, up; the other end, `wire0`, is in the
 * namespace too, or in `wire` where a test wants somebody behind the wire.
 */
export const makeHost = async (prefix: string, wire?: TestNetns): Promise<TestHost> => {
  const netns = await makeNetns(prefix)
  await netns.ip(
    `link add eth0 index ${++lastMaster} type veth peer name wire0${wire === undefined ? "" : ` netns ${wire.name}`}`
  )
  await netns.ip("link set eth0 up")
  await (wire ?? netns).ip("link set wire0 up")
  return { ...netns, master: "eth0" }
}
