/** The end of a whole cluster by force, and what `down` leaves of it: on a second one, so that the first goes on. */
import { existsSync } from "node:fs"
import { must, run, until } from "../../../lab/run.ts"
import { countsOf, footprintOf, tracesOf } from "../../node/footprint.ts"
import { ourImageFile } from "../../node/images.ts"
import { clusterName, project } from "../../node/space.ts"
import { describeNetwork, describePod } from "../../pods/pods.ts"
import { describeConfig } from "../../pods/setting.ts"
import { assert, type Check, since } from "../Check.ts"

const name = `${clusterName}-2`
const state = `/run/${name}`

/** `npm run cluster -- …` for the second cluster. */
const cluster = (words: ReadonlyArray<string>, stdin = ""): Promise<string> =>
  must("sh", ["scripts/node", "test/cluster/main.ts", ...words], {
    cwd: project,
    env: { ...(process.env as Record<string, string>), MACVTAP_CLUSTER: name },
    stdin,
    timeout: 300_000
  })

type Machine = Readonly<Record<"links" | "folders", ReadonlyArray<string>>>

/** The machine's own links and the folders that a kubelet and its friends would make. */
const machine = async (): Promise<Machine> => {
  const folders = ["/var/lib/kubelet", "/var/lib/macvtap-cni", "/opt/cni", "/etc/cni/net.d", "/run/macvtap-cni"]
  const links = JSON.parse(await must("ip", ["-j", "link"])) as ReadonlyArray<{ ifname: string }>
  return { links: links.map(({ ifname }) => ifname).sort(), folders: folders.filter(existsSync) }
}

/** A pod on a macvtap through Multus thin; the name of its tap, which the machine's kernel has too. */
const podOnTap = async (): Promise<string> => {
  const config = [{ name: "end", lowerDevice: "uplink", capacity: 2 }]
  const items = [
    describeConfig(JSON.stringify(config)),
    describeNetwork("end", { type: "macvtap" }, "end"),
    describePod({ name: "last", networks: ["end"], devices: { end: 1 } })
  ]
  await cluster(["kubectl", "apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }))
  await cluster(["kubectl", "wait", "--for=condition=Ready", "pod/last", "--timeout=60s"])
  const tap = (await cluster(["kubectl", "exec", "last", "--", "sh", "-c", "ls /dev | grep ^tap"])).trim()
  assert(/^tap\d+$/.test(tap), `the pod's taps are ${tap}`)
  return tap
}

const killAll = async (): Promise<number> => {
  const { processes } = footprintOf(name)
  await run("kill", ["-KILL", ...processes.map(String)])
  await until("all are dead", () => footprintOf(name).processes.length === 0, 30_000)
  return processes.length
}

export const everything: Check = {
  name: "death: everything, and down",
  claim:
    "A second cluster, with Multus thin and a pod on a macvtap: kill -9 of every process of it at once, then `down`, and no process, namespace, mount, control group, tap, link or folder of it is left on the machine.",
  prove: async () => {
    const before = await machine()
    try {
      return await upAndAway(before)
    } finally {
      await cluster(["down"])
    }
  }
}

const upAndAway = async (before: Machine): Promise<string> => {
  const image = existsSync(ourImageFile) ? ["--image", ourImageFile] : []
  await cluster(["up", "--multus", "thin", ...image])
  const tap = await podOnTap()
  const footprint = footprintOf(name)
  const present = tracesOf(name, state, footprint, [tap])
  assert(existsSync(`/dev/${tap}`), `the machine has no /dev/${tap} while the pod runs`)
  const killed = await killAll()
  const began = Date.now()
  await cluster(["down"])
  const left = tracesOf(name, state, footprint, [tap])
  assert(
    Object.values(left).every(({ length }) => length === 0),
    `left on the machine: ${JSON.stringify(left)}`
  )
  // Whoever else works here has links of his own there for a moment.
  const last = { seen: "" }
  const same = async (): Promise<boolean> => {
    last.seen = JSON.stringify(await machine())
    return last.seen === JSON.stringify(before)
  }
  await until("the machine is as it was", same, 20_000).catch(() => {
    throw new Error(`the machine was ${JSON.stringify(before)}, and is ${last.seen}`)
  })
  return `Multus thin gave the pod ${tap}; ${killed} processes in ${footprint.namespaces.length} namespaces were killed; before that the machine had ${countsOf(present)}, after \`down\` (${since(began)}) ${countsOf(left)}; its own links (${before.links.join(", ")}) and folders are as they were`
}
