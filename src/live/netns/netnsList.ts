/** Where network namespaces can be found on a host. */
import { closeSync, constants, fstatSync, readdirSync, type Stats, statSync } from "node:fs"
import { O_CLOEXEC, O_PATH } from "../system/libc.ts"
import type { Root } from "../system/root.ts"
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

const opened = <A>(fd: number, step: (fd: number) => A): A => {
  try {
    return step(fd)
  } finally {
    closeSync(fd)
  }
}

const namesIn = (root: Root, folder: string): ReadonlyArray<string> =>
  opened(root.open(folder, constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC), (fd) =>
    readdirSync(`/proc/self/fd/${fd}`)
  )

const statusOf = (root: Root, path: string): Stats => opened(root.open(path, O_PATH), (fd) => fstatSync(fd))

/**
 * One path for each distinct namespace, those of `folders` first, since they outlive processes. Told apart by
 * device:inode of stat(2), 12 µs a process; nothing is opened. A file that is not on nsfs (its bind mount is gone) is
 * left out by its device number: all of nsfs is one device.
 */
export const listNetns = (root: Root): ReadonlyArray<string> => {
  const nsfs = statSync(ownNetns).dev
  const found = new Map<number, string>()
  const add = (path: string, stats: Stats | undefined): void => {
    if (stats?.dev === nsfs && !found.has(stats.ino)) found.set(stats.ino, path)
  }
  for (const folder of folders) {
    for (const name of look(() => namesIn(root, folder), [])) {
      add(
        `${folder}/${name}`,
        look(() => statusOf(root, `${folder}/${name}`), undefined)
      )
    }
  }
  root.proc((proc) => {
    for (const name of readdirSync(proc)) {
      const first = name.charCodeAt(0)
      if (first < 0x30 || first > 0x39) continue
      add(
        `/proc/${name}/ns/net`,
        look(() => statSync(`${proc}/${name}/ns/net`, { throwIfNoEntry: false }), undefined)
      )
    }
  })
  return [...found.values()]
}
