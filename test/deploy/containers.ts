/**
 * The pod of deploy/base, as far as podman can be its kubelet: the image of scripts/image.ts loaded into a store of the
 * test's own, and containers with the rights, arguments and mounts that the manifest gives them.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { root } from "../../scripts/manifests.ts"
import { type Daemon, startDaemon } from "../lab/daemon.ts"
import { ownPodman } from "../lab/long/podman.ts"
import { type RunResult, run } from "../lab/run.ts"
import type { Manifest } from "./schema.ts"

export const hasPodman: boolean = ["/usr/bin/podman", "/usr/sbin/runc", "/usr/bin/apt-get"].every((path) =>
  existsSync(path)
)

interface SecurityContext {
  readonly allowPrivilegeEscalation?: boolean
  readonly readOnlyRootFilesystem?: boolean
  readonly capabilities?: { readonly drop?: ReadonlyArray<string>; readonly add?: ReadonlyArray<string> }
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly args: ReadonlyArray<string>
  readonly securityContext: SecurityContext
  readonly volumeMounts: ReadonlyArray<{
    readonly name: string
    readonly mountPath: string
    readonly readOnly?: boolean
  }>
}

/** A container of the DaemonSet, by its name. */
export const containerOf = (daemonSet: Manifest, name: string): Container => {
  const { template } = daemonSet["spec"] as {
    template: { spec: Record<"initContainers" | "containers", ReadonlyArray<Container>> }
  }
  const found = [...template.spec.initContainers, ...template.spec.containers].find((one) => one.name === name)
  if (found === undefined) throw new Error(`no container ${name}`)
  return found
}

const rights = ({
  allowPrivilegeEscalation,
  readOnlyRootFilesystem,
  capabilities
}: SecurityContext): ReadonlyArray<string> => [
  ...(capabilities?.drop ?? []).map((name) => `--cap-drop=${name.toLowerCase()}`),
  ...(capabilities?.add ?? []).map((name) => `--cap-add=${name}`),
  ...(readOnlyRootFilesystem === true ? ["--read-only", "--read-only-tmpfs=false"] : []),
  ...(allowPrivilegeEscalation === false ? ["--security-opt=no-new-privileges"] : [])
]

export interface Pod extends AsyncDisposable {
  /** Runs a container to its end. */
  readonly run: (container: Container) => Promise<RunResult>
  /** Starts one that goes on; `stop` is the kubelet's SIGTERM, and gives its exit status. */
  readonly start: (container: Container) => Promise<Daemon & { readonly stop: () => Promise<number> }>
}

/** Builds the image into `file`; undefined where Debian's packages are not to be had. */
export const buildImage = async (file: string): Promise<string | undefined> => {
  const { status, stdout, stderr } = await run(process.execPath, [join(root, "scripts/image.ts"), "--out", file], {
    cwd: root,
    timeout: 300_000
  })
  if (status === 0) return stdout
  if (/apt-get|Failed to fetch|Could not resolve/.test(stderr)) return undefined
  throw new Error(stdout + stderr)
}

/** `volumes` are folders by the names of the manifest's volumes; `netns` is the node's network. */
export const makePod = async (
  folder: string,
  image: string,
  netns: string,
  volumes: Readonly<Record<string, string>>
): Promise<Pod> => {
  const { command, env, cgroup, removeCgroup } = await ownPodman(folder)
  const [program = "", ...own] = command
  const podman = (...words: ReadonlyArray<string>) => run(program, [...own, ...words], { env, timeout: 120_000 })
  const loaded = await podman("load", "--quiet", "--input", image)
  if (loaded.status !== 0) throw new Error(loaded.stderr)

  let count = 0
  const words = (container: Container, name: string): ReadonlyArray<string> => [
    ...["run", "--rm", `--name=${name}`, `--network=ns:/run/netns/${netns}`, `--cgroup-parent=${cgroup}`],
    ...rights(container.securityContext),
    ...container.volumeMounts.map((mount) => {
      const source = volumes[mount.name]
      if (source === undefined) throw new Error(`no folder for volume ${mount.name}`)
      return `--volume=${source}:${mount.mountPath}${mount.readOnly === true ? ":ro" : ""}`
    }),
    container.image,
    ...container.args
  ]
  return {
    run: (container) => podman(...words(container, `${container.name}-${++count}`)),
    start: async (container) => {
      const name = `${container.name}-${++count}`
      const daemon = startDaemon(program, [...own, ...words(container, name)], { env })
      const stop = async () => {
        await podman("kill", "--signal=TERM", name)
        return daemon.ended
      }
      const kill = async () => {
        await podman("rm", "--force", "--time=0", name)
        await daemon[Symbol.asyncDispose]()
      }
      return { ...daemon, stop, [Symbol.asyncDispose]: kill }
    },
    [Symbol.asyncDispose]: async () => {
      await podman("rm", "--all", "--force", "--time=0")
      await removeCgroup()
    }
  }
}
