/** The DaemonSet goes from one build to another under load, so that the client of either meets the agent of either. */
import { pluginVersion } from "../../../../src/cni/call/version.ts"
import { until } from "../../../lab/run.ts"
import { loadOtherBuild } from "../../node/otherBuild.ts"
import { mustInside } from "../../node/space.ts"
import { kubectl } from "../../pods/kubectl.ts"
import { remove, run } from "../../pods/pods.ts"
import { offers } from "../../pods/setting.ts"
import type { Check } from "../Check.ts"
import { besideKeeper, inWords, underLoad } from "./load.ts"

/** Older than the tree's, so that what is installed and what runs can be told apart. */
const oldVersion = "0.0.9"

/** Gives the installer, which brings the client, one image, and what runs another; until both are what the node has. */
const setVersions = async (client: string, agent: string): Promise<void> => {
  const image = (version: string): string => `localhost/macvtap-cni:${version}`
  const words = `install=${image(client)} device-plugin=${image(agent)} agent=${image(agent)}`
  await kubectl(`-n macvtap-cni set image daemonset/macvtap-cni ${words}`)
  await kubectl("-n macvtap-cni rollout status daemonset/macvtap-cni --timeout=120s", { timeout: 150_000 })
  await until(
    `client ${client} and agent ${agent} are there`,
    async () => {
      const now = await onNode()
      return now.client === client && now.agent === agent
    },
    30_000
  )
}

interface OnNode {
  /** The version of the client that a runtime starts, by its own bytes. */
  readonly client: string
  /** The version of the agent that answers on the socket, by its own words, and how many calls it has answered. */
  readonly agent: string
  readonly answered: number
}

const onNode = async (): Promise<OnNode> => {
  const script = `grep -ao 'client version [0-9.]*[0-9]' /opt/cni/bin/macvtap | cut -d' ' -f3
    /opt/cni/bin/macvtap-standalone agent --status`
  const [client = "", status = ""] = (await mustInside(["sh", "-c", `${script} || true`])).split("\n")
  const { version, calls } = (status.startsWith("{") ? JSON.parse(status) : {}) as {
    version?: string
    calls?: { answered: number }
  }
  return { client, agent: version ?? "none", answered: calls?.answered ?? 0 }
}

/** Has a client of one version call an agent of another; in words, how often. */
const meet = async (client: string, agent: string): Promise<string> => {
  await setVersions(client, agent)
  const { answered: before } = await onNode()
  let answered = before
  await until(
    `client ${client} calls agent ${agent}`,
    async () => {
      answered = (await onNode()).answered
      return answered >= before + 6
    },
    60_000
  )
  return `client ${client} with agent ${agent}: ${answered - before} calls answered`
}

/** All at once, as an update is: the pairs that were seen on the node on the way. */
const updated = async (): Promise<string> => {
  let done = false
  const seen = new Set<string>()
  const look = async (): Promise<void> => {
    while (!done) {
      const { client, agent } = await onNode()
      seen.add(`${client}/${agent}`)
    }
  }
  const looking = look()
  await setVersions(pluginVersion, pluginVersion).finally(() => {
    done = true
  })
  await looking
  return `client/agent on the way: ${[...seen].join(", ")}`
}

export const update: Check = {
  name: "death: update of the DaemonSet",
  claim:
    "The DaemonSet goes from one version to another under load, and a client of either meets an agent of the other: pods keep their taps, no pod is refused for good.",
  prove: async () => {
    await loadOtherBuild(oldVersion)
    const seen: Array<string> = []
    try {
      await setVersions(oldVersion, oldVersion)
      await run({ name: "keeper", networks: ["lan"], devices: { lan: 1 }, user: 107 })
      const load = await besideKeeper("keeper", () =>
        underLoad(async () => {
          seen.push(await updated())
          seen.push(await meet(oldVersion, pluginVersion))
          seen.push(await meet(pluginVersion, oldVersion))
          await setVersions(pluginVersion, pluginVersion)
        })
      )
      await remove("keeper")
      await offers("lan", 60)
      if (load.refused.length > 0) throw new Error(inWords(load))
      return `${oldVersion} to ${pluginVersion}; ${seen.join("; ")}; the pod of before keeps its process and link; ${inWords(load)}`
    } finally {
      await setVersions(pluginVersion, pluginVersion)
    }
  }
}
