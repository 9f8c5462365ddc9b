/** Tap nodes, seen from outside: which device the link is, and which device the node opens. */
import { stat } from "node:fs/promises"
import type { IpLink } from "./ip.ts"
import { must } from "./run.ts"

/** `/dev/tap<ifindex>`. */
export const tapNode = (link: IpLink): string => `/dev/tap${link.ifindex}`

/** The link's own `major:minor`, from the sysfs of its namespace. */
export const linkDevice = async (netns: string, link: IpLink): Promise<string> =>
  (await must("ip", ["netns", "exec", netns, "cat", `/sys/class/net/${link.ifname}/tap${link.ifindex}/dev`])).trim()

export interface NodeStatus {
  /** `major:minor`. */
  readonly device: string
  readonly uid: number
  readonly gid: number
  /** Permission bits. */
  readonly mode: number
}

/** What lies at the path, or undefined. */
export const nodeStatus = async (path: string): Promise<NodeStatus | undefined> => {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return undefined
  const major = ((found.rdev >>> 8) & 0xfff) | 0
  const minor = (found.rdev & 0xff) | ((found.rdev >>> 12) & 0xfff00)
  return { device: `${major}:${minor}`, uid: found.uid, gid: found.gid, mode: found.mode & 0o7777 }
}
