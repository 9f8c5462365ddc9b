/** The node, network and calls of a test that is about one thing: a plain macvtap on eth0. */
import { macvtap } from "../../../src/link/macvtap.ts"
import { type Kernel, type KernelOptions, makeKernel } from "../../../src/mock/Kernel.ts"
import type { Invocation } from "./onMock.ts"

export const network = { cniVersion: "1.1.0", name: "lan", type: "macvtap", master: "eth0" } as const

/** eth0 and a default route through it; `pods` namespaces c1, c2, … */
export const makeNode = (pods = 1, options: KernelOptions = {}): Kernel => {
  const kernel = makeKernel(options)
  kernel.addLink({ name: "eth0", index: 2, mac: "02:ee:00:00:00:01" })
  const host = kernel.inside()
  host.addressAdd("eth0", { family: 4, address: "192.168.1.2", prefix: 24 })
  host.routeAdd({ family: 4, dst: "0.0.0.0", prefix: 0, gw: "192.168.1.1", dev: 2 })
  for (let pod = 1; pod <= pods; pod++) kernel.addNetns(`/run/netns/c${pod}`)
  return kernel
}

interface Call {
  readonly pod?: string
  readonly containerID?: string
  readonly ifname?: string
  readonly netns?: string
  readonly args?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Laid over the network's configuration. */
  readonly conf?: object
}

/** A call for pod `c1`, or another. */
export const invocation = (command: string, call: Call = {}): Invocation => {
  const { pod = "c1", containerID = pod, ifname = "net1", netns = `/run/netns/${pod}`, args, env, conf } = call
  return {
    env: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: containerID,
      CNI_NETNS: netns,
      CNI_IFNAME: ifname,
      CNI_PATH: "/opt/cni/bin",
      ...(args === undefined ? {} : { CNI_ARGS: args }),
      ...env
    },
    stdin: { ...network, ...conf }
  }
}

/** Somebody's own macvtap on the host's eth0, in a pod's namespace. */
export const foreignTap = (kernel: Kernel, pod: string, name: string, alias?: string): void => {
  kernel.inside().linkAdd({ kind: macvtap, name: "moving", parent: 2, up: true })
  const { index } = kernel.inside().link("moving")
  const link = kernel.machine.host.links.get(index)
  const target = [...kernel.machine.netnses].find(({ paths }) => paths.has(`/run/netns/${pod}`))
  if (link === undefined || target === undefined) throw new Error("no such link or pod")
  kernel.machine.host.links.delete(index)
  link.netns = target
  link.name = name
  link.alias = alias ?? ""
  target.links.set(index, link)
}
