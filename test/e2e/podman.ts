/** A podman of the run's own: its store, its configuration and its networks in one folder, its network in one netns. */
import { copyFile, mkdir, readdir, symlink, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { removeEmpty } from "../lab/leftovers.ts"
import type { TestNetns } from "../lab/netns.ts"
import { debianPlugins, executable, inNetns } from "../lab/plugin.ts"
import { interrupted } from "../lab/report.ts"
import { type RunResult, run } from "../lab/run.ts"

export interface Podman extends AsyncDisposable {
  /** `podman …`; rejects only where it cannot be started. */
  readonly run: (...args: ReadonlyArray<string>) => Promise<RunResult>
  /** `podman run -d --name <name> --network <network> …` of a busybox that sleeps. */
  readonly start: (name: string, network: string, ...args: ReadonlyArray<string>) => Promise<RunResult>
  /** Writes a network (a CNI conflist). */
  readonly network: (conflist: { readonly name: string } & Readonly<Record<string, unknown>>) => Promise<void>
}

/** What podman and its parts need to know, and nothing of this machine's own configuration. */
const containersConf = (folder: string): string => `[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[network]
network_backend = "cni"
cni_plugin_dirs = [${[dirname(executable), debianPlugins].map((path) => JSON.stringify(path)).join(", ")}]
network_config_dir = ${JSON.stringify(join(folder, "net.d"))}
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
runtime = "runc"
`

const applets = ["sh", "sleep", "ping", "ip", "cat", "nc", "true"]

const makeRootfs = async (path: string): Promise<void> => {
  for (const name of ["bin", "dev", "proc", "sys", "etc", "tmp", "run"])
    await mkdir(join(path, name), { recursive: true })
  await copyFile("/bin/busybox", join(path, "bin/busybox"))
  for (const name of applets) await symlink("busybox", join(path, "bin", name))
}

/** podman in `host`'s network, everything else that it makes in `folder`; its containers are removed at the end. */
export const makePodman = async (folder: string, host: TestNetns): Promise<Podman> => {
  const cgroup = `macvtap-cni-e2e-${process.pid}`
  await mkdir(join(folder, "net.d"))
  await makeRootfs(join(folder, "rootfs"))
  await writeFile(join(folder, "containers.conf"), containersConf(folder))
  await writeFile(
    join(folder, "storage.conf"),
    `[storage]\ndriver = "vfs"\nrunroot = "${folder}/run"\ngraphroot = "${folder}/store"\n`
  )
  const env = {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: folder,
    CONTAINERS_CONF: join(folder, "containers.conf"),
    CONTAINERS_STORAGE_CONF: join(folder, "storage.conf")
  }
  const podman = (args: ReadonlyArray<string>, signal?: AbortSignal): Promise<RunResult> => {
    const own = ["--root", "store", "--runroot", "run", "--tmpdir", "tmp"].map((word, i) =>
      i % 2 ? join(folder, word) : word
    )
    const words = ["podman", ...own, "--storage-driver", "vfs", "--network-config-dir", join(folder, "net.d"), ...args]
    const [command = "", ...rest] = inNetns(host.name, words)
    return run(command, rest, { env, timeout: 60_000, ...(signal === undefined ? {} : { signal }) })
  }
  return {
    run: (...args) => podman(args, interrupted),
    start: (name, network, ...args) =>
      podman(
        // biome-ignore format: one option a line
        ["run", "-d", "--name", name, "--network", network, "--cgroup-parent", `/${cgroup}`, ...args,
          "--rootfs", join(folder, "rootfs"), "sleep", "3600"],
        interrupted
      ),
    network: (conflist) => writeFile(join(folder, "net.d", `${conflist.name}.conflist`), JSON.stringify(conflist)),
    [Symbol.asyncDispose]: async () => {
      await podman(["rm", "--all", "--force", "--time", "0"])
      await removeCgroups(cgroup)
    }
  }
}

/** runc leaves the parent group that it made, in each hierarchy, when the last container goes. */
const removeCgroups = async (name: string): Promise<void> => {
  const hierarchies = await readdir("/sys/fs/cgroup").catch(() => [])
  for (const hierarchy of ["", ...hierarchies]) await removeEmpty(join("/sys/fs/cgroup", hierarchy, name))
}
