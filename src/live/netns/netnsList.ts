/** Where network namespaces can be found on a host. */
import { readdirSync, statSync } from "node:fs"
import { ownNetns } from "./enter.ts"

/** Where `ip netns` and container runtimes bind them; usually one folder by two names. */
const folders = ["/run/netns", "/var/run/netns"]

/** What can vanish, or be another user's, between the listing and the look at it. */
const look = <A>(step: () => A, otherwise: A): A => {
  try {
    return step()
  } catch {
    return otherwise
  }
}

/**
 * One path for each distinct namespace, those of `folders` first, since they outlive processes. Told apart by
 * device:inode of stat(2), 12 µs a process; nothing is opened. A file that is not on nsfs (its bind mount is gone) is
 * left out by its device number: all of nsfs is one device.
 */
export const listNetns = (): ReadonlyArray<string> => {
  const nsfs = statSync(ownNetns).dev
  const found = new Map<number, string>()
  const add = (path: string): void => {
    const stats = look(() => statSync(path, { throwIfNoEntry: false }), undefined)
    if (stats?.dev === nsfs && !found.has(stats.ino)) found.set(stats.ino, path)
  }
  for (const folder of folders) {
    for (const name of look(() => readdirSync(folder), [])) add(`${folder}/${name}`)
  }
  for (const name of readdirSync("/proc")) {
    const first = name.charCodeAt(0)
    if (first >= 0x30 && first <= 0x39) add(`/proc/${name}/ns/net`)
  }
  return [...found.values()]
}
