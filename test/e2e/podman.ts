/** A podman of the run's own: its store, its configuration and its networks in one folder, its network in one netns. */
import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { ownPodman } from "../lab/long/podman.ts"
import { interrupted } from "../lab/long/report.ts"
import type { TestNetns } from "../lab/netns.ts"
import { debianPlugins, inNetns } from "../lab/plugin.ts"
import { type RunResult, run } from "../lab/run.ts"
import type { Way } from "./way.ts"

export interface Podman extends AsyncDisposable {
  /** `podman …`; rejects only where it cannot be started. */
  readonly run: (...args: ReadonlyArray<string>) => Promise<RunResult>
  /** `podman run -d --name <name> --network <network> …` of a busybox that sleeps. */
  readonly start: (name: string, network: string, ...args: ReadonlyArray<string>) => Promise<RunResult>
  /** Writes a network (a CNI conflist). */
  readonly network: (conflist: { readonly name: string } & Readonly<Record<string, unknown>>) => Promise<void>
}

const applets = ["sh", "sleep", "ping", "ip", "cat", "nc", "true"]

const makeRootfs = async (path: string): Promise<void> => {
  for (const name of ["bin", "dev", "proc", "sys", "etc", "tmp", "run"])
    await mkdir(join(path, name), { recursive: true })
  await copyFile("/bin/busybox", join(path, "bin/busybox"))
  for (const name of applets) await symlink("busybox", join(path, "bin", name))
}

/** podman in `host`'s network, everything else that it makes in `folder`; its containers are removed at the end. */
export const makePodman = async (folder: string, host: TestNetns, way: Way): Promise<Podman> => {
  const networks = join(folder, "net.d")
  await mkdir(networks)
  await makeRootfs(join(folder, "rootfs"))
  const plugins = [dirname(way.program), debianPlugins].map((path) => JSON.stringify(path)).join(", ")
  const { command, env, cgroup, removeCgroup } = await ownPodman(folder, [
    'network_backend = "cni"',
    `cni_plugin_dirs = [${plugins}]`,
    `network_config_dir = ${JSON.stringify(networks)}`
  ])
  const podman = (args: ReadonlyArray<string>, signal?: AbortSignal): Promise<RunResult> => {
    const [program = "", ...rest] = inNetns(host.name, [...command, "--network-config-dir", networks, ...args])
    return run(program, rest, { env, timeout: 60_000, ...(signal === undefined ? {} : { signal }) })
  }
  return {
    run: (...args) => podman(args, interrupted),
    start: (name, network, ...args) =>
      podman(
        // biome-ignore format: one option a line
        ["run", "-d", "--name", name, "--network", network, "--cgroup-parent", cgroup, ...args,
          "--rootfs", join(folder, "rootfs"), "sleep", "3600"],
        interrupted
      ),
    network: (conflist) => writeFile(join(networks, `${conflist.name}.conflist`), JSON.stringify(conflist)),
    [Symbol.asyncDispose]: async () => {
      await podman(["rm", "--all", "--force", "--time", "0"])
      await removeCgroup()
    }
  }
}
