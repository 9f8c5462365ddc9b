/** Networks as a pod's owner may write them. */
import { deviceName } from "../../../src/devices/deviceName.ts"
import { macOf } from "./attacker.ts"
import type { Node } from "./Node.ts"
import type { Pod } from "./Pod.ts"
import type { Network } from "./steps.ts"

/** The configuration that the runtime passes on. */
export const confOf = (
  node: Node,
  pod: Pod,
  other: Pod | undefined,
  network: Network
): Readonly<Record<string, unknown>> => {
  const { name, type, master, linkInContainer, mode, owner } = network
  const deviceID = deviceOf(pod, other, network.device)
  return {
    ...{ name, type, mode, linkInContainer },
    ...(deviceID === undefined ? { master } : { deviceID }),
    ...(network.mac === undefined ? {} : { mac: macOf(node, other) }),
    ...(type === "macvtap" ? { owner } : {}),
    ...(network.refused ? { ipam: { type: "refuses" } } : {})
  }
}

const deviceOf = (pod: Pod, other: Pod | undefined, device: Network["device"]): string | undefined => {
  switch (device) {
    case "theirs":
      return other?.device ?? "dataplaneMvp0"
    case "mine":
      return pod.device
    case "free":
      return "dataplaneMvp1"
    case "their link's name":
      return deviceName(other?.device ?? "plainMvp0")
    case "a person's":
      return "dev0"
    default:
      return undefined
  }
}
