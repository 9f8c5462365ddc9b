/** What the plugin has to know of the node's kubelet, as the device plugin writes it down beside its resources. Pure. */
import { defaultKubeletFolder } from "./checkpoint.ts"

export const kubeletFile = (stateFolder: string): string => `${stateFolder}/kubelet.json`

export interface KubeletFacts {
  /** Its folder of device plugins, where its checkpoint is. */
  readonly folder: string
  /** Whether a device is only for the pod to which the kubelet gave it. */
  readonly checksOwner: boolean
}

export const encodeKubelet = ({ folder, checksOwner }: KubeletFacts): string =>
  `${JSON.stringify({ version: 1, folder, checksOwner }, undefined, 2)}\n`

/** Whatever is missing, or makes no sense, is the default, and the safe side. Never throws. */
export const decodeKubelet = (text: string): KubeletFacts => {
  let document: { readonly folder?: unknown; readonly checksOwner?: unknown } | null
  try {
    document = JSON.parse(text)
  } catch {
    document = null
  }
  const folder = document?.folder
  return {
    folder: typeof folder === "string" && folder.startsWith("/") ? folder : defaultKubeletFolder,
    checksOwner: document?.checksOwner !== false
  }
}
