/** The device plugin and the plugin under the oldest kubelet that still builds. */
import { until } from "../../lab/run.ts"
import { start, stop } from "../node/components.ts"
import { node, writeKubeletConfiguration } from "../node/files.ts"
import { build, part } from "../parts/parts.ts"
import { getJson } from "../pods/kubectl.ts"
import { offers } from "../pods/setting.ts"
import type { Check } from "./Check.ts"
import { messageChecks } from "./messages.ts"
import { networkChecks } from "./networks.ts"

const versionOf = async (): Promise<string> =>
  (await getJson<{ status: { nodeInfo: { kubeletVersion: string } } }>(`node ${node.name}`)).status.nodeInfo
    .kubeletVersion

/** Exchanges the kubelet under everything that runs. */
const exchange = async (which: "kubernetes" | "oldest-kubelet"): Promise<void> => {
  await stop("kubelet")
  writeKubeletConfiguration(which === "kubernetes")
  start("kubelet", which)
  await until(
    `the node has kubelet ${part(which).version}`,
    async () => (await versionOf()) === part(which).version,
    60_000
  )
  await offers("lan", 60, 120)
  await offers("pair", 2, 60)
}

const oldest: Check = {
  name: "oldest kubelet",
  claim:
    "The checks of networks and of devices hold with the oldest kubelet that still builds, against the same API server.",
  prove: async () => {
    await build("oldest-kubelet")
    await exchange("oldest-kubelet")
    const proved: Array<string> = []
    try {
      for (const check of [...networkChecks, ...messageChecks]) {
        await check.prove().catch((error: Error) => {
          throw new Error(`${check.name}: ${error.message}`)
        })
        proved.push(check.name)
      }
    } finally {
      await exchange("kubernetes")
    }
    return `${part("oldest-kubelet").version}: ${proved.join(", ")}`
  }
}

export const oldestChecks: ReadonlyArray<Check> = [oldest]
