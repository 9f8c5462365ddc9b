/** What pods and containers of the node have of ours, and what cannot do without the plugin. */
import { ToolError } from "../../command/Command.ts"
import { escapeText } from "../../wire/foreign.ts"
import type { Inventory } from "../node/inventory.ts"
import { isOwned, type OwnedLink } from "../node/leftovers.ts"
import type { Allotments, AllottedDevice } from "../records/allotments.ts"
import { podName } from "../records/podName.ts"

export interface InUse {
  readonly links: ReadonlyArray<OwnedLink>
  /** Devices that the kubelet gave to pods and that are no attachment's: standalone ones, and those of pods that start. */
  readonly devices: ReadonlyArray<AllottedDevice>
}

export const inUse = ({ links }: Inventory, stale: ReadonlyArray<OwnedLink>, { devices }: Allotments): InUse => {
  const live = links.filter(isOwned).filter((found) => !stale.includes(found))
  const attached = new Set(live.map(({ link }) => link.index))
  return { links: live, devices: devices.filter(({ index }) => !attached.has(index)) }
}

/** Without the plugin their runtime could not take attachments down, and a standalone link would be nobody's. */
export const refusal = (used: InUse): ToolError => {
  const names = [...used.links.map(attachmentName), ...used.devices.map(deviceName)]
  const more = names.length > 3 ? `, and ${names.length - 3} more` : ""
  const verb = names.length === 1 ? "is" : "are"
  return new ToolError({
    problem: escapeText(`${count(used)} ${verb} in use: ${names.slice(0, 3).join(", ")}${more}`),
    advice:
      "remove their pods first, since without the plugin their teardown fails (macvtap list shows them), or say --force"
  })
}

/** `2 attachments and 1 device`; empty where nothing is in use. */
export const count = ({ links, devices }: InUse): string =>
  [some(links.length, "attachment"), some(devices.length, "device")].filter((part) => part !== "").join(" and ")

const some = (number: number, what: string): string =>
  number === 0 ? "" : `${number} ${number === 1 ? what : `${what}s`}`

/** By its pod, as `list` has it; by container and namespace where no runtime names one. */
const attachmentName = ({ ownership: { owner, pod, knownBy }, link, netns }: OwnedLink): string =>
  pod === undefined
    ? `${owner.containerID}/${owner.ifname} in ${netns}`
    : `${podName(pod)}${knownBy === "alias" ? " ?" : ""} (${link.name}, network ${owner.network})`

const deviceName = ({ deviceID, pod }: AllottedDevice): string => `${podName(pod)} (device ${deviceID})`
