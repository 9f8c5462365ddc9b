/** The kubelet's checkpoint of allotted devices (`kubelet_internal_checkpoint`). Pure: text in, device IDs out. */

export const checkpointName = "kubelet_internal_checkpoint"

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const strings = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : []

/**
 * `{ "Data": { "PodDeviceEntries": [{ "ResourceName", "DeviceIDs": { "<NUMA node>": ["…"] } }] } }`; before Kubernetes
 * 1.20 the device IDs were a plain list. All devices of the domain's resources; undefined where the text is nothing of
 * that kind.
 */
export const allottedDevices = (text: string, domain: string): ReadonlySet<string> | undefined => {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return undefined
  }
  const data = isObject(document) ? document["Data"] : undefined
  const entries = isObject(data) ? data["PodDeviceEntries"] : undefined
  if (entries === null) return new Set()
  if (!Array.isArray(entries)) return undefined
  return new Set(
    entries.filter(isObject).flatMap(({ ResourceName, DeviceIDs }) => {
      if (typeof ResourceName !== "string" || !ResourceName.startsWith(`${domain}/`)) return []
      return isObject(DeviceIDs) ? Object.values(DeviceIDs).flatMap(strings) : strings(DeviceIDs)
    })
  )
}
