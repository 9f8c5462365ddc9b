/** The cluster's own control group in every hierarchy of the machine: made before it starts, removed when it is gone. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const mounted = "/sys/fs/cgroup"

/** The roots of the machine's hierarchies: one for each controller with cgroup v1, a single one with v2. */
export const hierarchies = (): ReadonlyArray<string> =>
  existsSync(join(mounted, "cgroup.controllers"))
    ? [mounted]
    : readdirSync(mounted)
        .map((name) => join(mounted, name))
        .filter((path) => existsSync(join(path, "cgroup.procs")))

/** Makes the group `name` everywhere. The answer: the files into which a process writes its number to be in it. */
export const makeGroups = (name: string): ReadonlyArray<string> =>
  hierarchies().map((root) => {
    const group = join(root, name)
    mkdirSync(group, { recursive: true })
    // A new group of the cpuset controller takes no process before it has processors and memory.
    for (const key of ["cpuset.cpus", "cpuset.mems"]) {
      const [own, above] = [join(group, key), join(root, key)]
      if (existsSync(own) && existsSync(above)) writeFileSync(own, readFileSync(above, "utf8"))
    }
    // With v2 the controllers are passed on, and processes stand in leaves only.
    const passOn = join(group, "cgroup.subtree_control")
    if (!existsSync(passOn)) return join(group, "cgroup.procs")
    const controllers = readFileSync(join(group, "cgroup.controllers"), "utf8").trim().split(" ")
    if (root === mounted) writeFileSync(passOn, controllers.map((one) => `+${one}`).join(" "))
    if (root === mounted) mkdirSync(join(group, "init"), { recursive: true })
    return join(group, root === mounted ? "init" : "", "cgroup.procs")
  })

/** Removes the groups, which have to be without processes; the answer: those that could not be removed. */
export const removeGroups = (name: string): ReadonlyArray<string> =>
  hierarchies()
    .map((root) => join(root, name))
    .filter((group) => existsSync(group) && !removed(group))

const removed = (group: string): boolean => {
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) removed(join(group, entry.name))
  }
  try {
    rmdirSync(group)
    return true
  } catch {
    return false
  }
}
