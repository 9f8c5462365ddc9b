/** Each part dies once, alone and together, while pods come and go. */
import { until } from "../../../lab/run.ts"
import { kill } from "../../node/components.ts"
import { mustInside } from "../../node/space.ts"
import { linkOf, processOf, ready, remove, run } from "../../pods/pods.ts"
import { offers } from "../../pods/setting.ts"
import { assert, assertSame, CannotProve, type Check, since } from "../Check.ts"
import { running } from "../manifests.ts"
import { besideKeeper, inWords, underLoad } from "./load.ts"

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const killContainer = async (name: string): Promise<void> => {
  const { pid } = await running(name)
  await mustInside(["kill", "-9", pid])
}

const killMultus = async (): Promise<void> => {
  const pid = (await mustInside(["pidof", "multus-daemon"])).trim()
  await mustInside(["kill", "-9", ...pid.split(" ")])
}

const hasAgent = async (): Promise<boolean> => running("agent").then(Boolean, () => false)

const killAgent = (): Promise<void> => killContainer("agent")

/** A check that does something to the node beside a load and a pod that has to stay as it is. */
const deathOf = (what: string, claim: string, deed: () => Promise<void>, more: Partial<Check> = {}): Check => ({
  name: `death: ${what}`,
  ...more,
  claim,
  prove: async () => {
    if (what === "agent" && !(await hasAgent()))
      throw new CannotProve("the DaemonSet of this tree has no container agent")
    await run({ name: "keeper", networks: ["lan"], devices: { lan: 1 }, user: 107 })
    const load = await besideKeeper("keeper", () =>
      underLoad(async () => {
        await deed()
        await sleep(5000)
      })
    )
    await remove("keeper")
    await offers("lan", 60)
    return `the pod that was there keeps its process and link; ${inWords(load)}`
  }
})

const together = async (): Promise<void> => {
  await Promise.all([killMultus(), killContainer("device-plugin"), killAgent().catch(() => {})])
  await Promise.all([kill("kubelet"), kill("containerd")])
}

const sandbox: Check = {
  name: "death: a sandbox",
  settles: 150,
  claim: "A pod whose sandbox is killed gets a new one, on the same device, with a link that works.",
  prove: async () => {
    await run({ name: "sandboxed", networks: ["lan"], devices: { lan: 1 } })
    const old = await linkOf("sandboxed")
    const filter = 'labels."io.kubernetes.pod.name"==sandboxed,labels."io.cri-containerd.kind"==sandbox'
    const id = (await mustInside(["ctr", "--namespace", "k8s.io", "containers", "list", "--quiet", filter])).trim()
    const began = Date.now()
    await mustInside(["ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", id])
    const before = await processOf("sandboxed").catch(() => "")
    await until(
      "a new sandbox",
      async () => ((await processOf("sandboxed").catch(() => before)) || before) !== before,
      90_000
    )
    await ready(["sandboxed"], 60)
    const now = await linkOf("sandboxed")
    assertSame("the link's number, which is its device's", now.ifindex, old.ifindex)
    assert(now.address !== old.address, `net1 is the link that was there: ${now.address}`)
    assertSame("the new link", [now.linkinfo?.info_kind, now.operstate], ["macvtap", "UP"])
    await remove("sandboxed")
    return `ready again after ${since(began)}; net1 was ${old.ifindex} ${old.address}, is ${now.ifindex} ${now.address}`
  }
}

/** A DEL that died with Multus never comes: the device plugin finds after a minute what has no pod. */
const withMultus: Partial<Check> = { settles: "later", multusMayLeave: () => "Multus was killed" }

/** Before the DaemonSet is updated: a container that dies a second time is started again only after a pause. */
export const firstKills: ReadonlyArray<Check> = [
  deathOf("agent", "kill -9 of the agent costs no pod its tap, and calls go on without it.", killAgent, {
    short: true
  }),
  deathOf("all at once", "kill -9 of all of them together costs no pod its tap.", together, withMultus)
]

export const laterKills: ReadonlyArray<Check> = [
  deathOf("device plugin", "kill -9 of the device plugin costs no pod its tap.", () => killContainer("device-plugin")),
  deathOf("Multus", "kill -9 of Multus' daemon costs no pod its tap.", killMultus, withMultus),
  deathOf("kubelet", "kill -9 of the kubelet costs no pod its tap.", () => kill("kubelet")),
  deathOf("containerd", "kill -9 of containerd costs no pod its tap.", () => kill("containerd")),
  sandbox
]
