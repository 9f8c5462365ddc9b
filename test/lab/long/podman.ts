/** A podman of a test's own: its store, its configuration and its cgroups, and nothing of this machine's. */
import { mkdir, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { removeEmpty } from "./leftovers.ts"

export interface OwnPodman {
  /** The words before a podman command: `podman --root …`. */
  readonly command: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  /** For `--cgroup-parent`: no other run's. */
  readonly cgroup: string
  /** Removes the cgroup in each hierarchy, where runc leaves it behind. To be called when no container is left. */
  readonly removeCgroup: () => Promise<void>
}

const containersConf = (network: ReadonlyArray<string>): string => `[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
${network.length === 0 ? "" : `[network]\n${network.join("\n")}\n`}[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
runtime = "runc"
`

/** Everything below `folder`; `network` are lines of the section of that name in containers.conf. */
export const ownPodman = async (folder: string, network: ReadonlyArray<string> = []): Promise<OwnPodman> => {
  const at = (name: string) => join(folder, name)
  await mkdir(folder, { recursive: true })
  await writeFile(at("containers.conf"), containersConf(network))
  await writeFile(
    at("storage.conf"),
    `[storage]\ndriver = "vfs"\nrunroot = "${at("run")}"\ngraphroot = "${at("store")}"\n`
  )
  const cgroup = `macvtap-cni-test-${process.pid}`
  return {
    command: [
      ...["podman", "--root", at("store"), "--runroot", at("run"), "--tmpdir", at("tmp")],
      ...["--storage-driver", "vfs"]
    ],
    env: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: folder,
      CONTAINERS_CONF: at("containers.conf"),
      CONTAINERS_STORAGE_CONF: at("storage.conf")
    },
    cgroup: `/${cgroup}`,
    removeCgroup: async () => {
      const hierarchies = await readdir("/sys/fs/cgroup").catch(() => [])
      for (const hierarchy of ["", ...hierarchies]) await removeEmpty(join("/sys/fs/cgroup", hierarchy, cgroup))
    }
  }
}
