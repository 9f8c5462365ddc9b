/**
 * A node of a cluster, made of namespaces and folders: a host with a lower device, a kubelet's stand-in, the daemon and the
 * plugin as the executable under test, and pods.
 */
import { mkdirSync } from "node:fs"
import { nodePath } from "../../../src/devices/resources.ts"
import { type Daemon, startDaemon } from "../daemon.ts"
import { makeFolder } from "../folder.ts"
import { type IpLink, ipLink } from "../ip.ts"
import { inOwnMounts } from "../mounts.ts"
import { makeHost, makeNetns, type TestHost, type TestNetns } from "../netns.ts"
import { attachmentEnv, executable, inNetns } from "../plugin.ts"
import { type RunResult, run } from "../run.ts"
import { type Kubelet, startKubelet } from "./kubelet.ts"

export interface Pod extends TestNetns {
  readonly link: () => Promise<IpLink | undefined>
}

export interface ClusterNode extends AsyncDisposable {
  readonly host: TestHost
  readonly kubelet: Kubelet
  readonly folder: string
  /** The state folder as the test sees it; the daemon and the plugin see it at its usual place. */
  readonly state: string
  readonly nodeOf: (deviceID: string) => string
  /** The daemon; with other arguments or another configuration where given. */
  readonly daemon: (config: ReadonlyArray<object> | undefined, args?: ReadonlyArray<string>) => Daemon
  readonly pod: () => Promise<Pod>
  readonly call: (command: "ADD" | "DEL" | "CHECK", pod: Pod, deviceID: string, more?: object) => Promise<RunResult>
}

export interface NodeOptions {
  /** No devtmpfs on /dev, as in "kind". */
  readonly kind?: boolean
  /** What the runtime calls; the executable under test when left out. */
  readonly program?: ReadonlyArray<string>
}

/** Its names begin with `dp-<name>`. */
export const makeNode = async (name: string, options: NodeOptions = {}): Promise<ClusterNode> => {
  const folder = await makeFolder(`dp-${name}`)
  const host = await makeHost(`dp-${name}`)
  const state = `${folder.path}/state`
  mkdirSync(state)
  const also = options.kind === true ? ["mount -t tmpfs none /dev", "mknod /dev/null c 1 3"] : []
  const mounts = { state, also }
  const kubelet = await startKubelet(`${folder.path}/k`)
  const pods: Array<Pod> = []
  const daemons: Array<Daemon> = []

  return {
    host,
    kubelet,
    folder: folder.path,
    state,
    nodeOf: (deviceID) => nodePath(state, deviceID),
    daemon: (config, args = []) => {
      const command = [executable, "device-plugin", "--kubelet-dir", kubelet.folder, ...args]
      const [program = "", ...rest] = inNetns(host.name, inOwnMounts(command, mounts))
      const env = {
        PATH: process.env["PATH"] ?? "",
        ...(config === undefined ? {} : { DP_MACVTAP_CONF: JSON.stringify(config) })
      }
      const daemon = startDaemon(program, rest, { env })
      daemons.push(daemon)
      return daemon
    },
    pod: async () => {
      const netns = await makeNetns(`dp-${name}`)
      const pod = { ...netns, link: () => ipLink(netns.name, "net1") }
      pods.push(pod)
      return pod
    },
    call: (command, pod, deviceID, more = {}) => {
      const [program = "", ...rest] = inNetns(host.name, inOwnMounts(options.program ?? [executable], mounts))
      // As Multus says it: the sandbox is the pod's that the kubelet gave the device to.
      const args = `IgnoreUnknown=true;K8S_POD_UID=${kubelet.ownerOf(deviceID) ?? pod.name}`
      return run(program, rest, {
        env: {
          ...attachmentEnv(command, { containerID: pod.name, netns: pod.path, args }),
          PATH: process.env["PATH"] ?? ""
        },
        stdin: JSON.stringify({ cniVersion: "1.0.0", name: "pods", type: "macvtap", deviceID, ...more })
      })
    },
    [Symbol.asyncDispose]: async () => {
      for (const daemon of daemons) await daemon[Symbol.asyncDispose]()
      await kubelet[Symbol.asyncDispose]()
      for (const pod of pods) await pod[Symbol.asyncDispose]()
      await host[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    }
  }
}

/** SIGTERM, and its exit status. */
export const terminate = async (daemon: Daemon): Promise<number> => {
  process.kill(daemon.pid, "SIGTERM")
  return await daemon.ended
}

/** SIGKILL. */
export const kill = async (daemon: Daemon): Promise<void> => {
  process.kill(daemon.pid, "SIGKILL")
  await daemon.ended
}

/** Opens the node for reading and writing as QEMU's user, and says which device it is. */
export const openAsQemu = async (node: string): Promise<string> => {
  const { status, stdout, stderr } = await run("setpriv", [
    "--reuid=107",
    "--regid=107",
    "--clear-groups",
    "sh",
    "-ec",
    'exec 3<>"$1"; stat -L -c %Hr:%Lr /proc/self/fd/3',
    "sh",
    node
  ])
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}
