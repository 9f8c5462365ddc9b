/** `macvtap list` for a terminal. */
import { escapeText } from "../../wire/foreign.ts"
import type { Attachment, Held, StandaloneDevice, Tap } from "../node/attachments.ts"
import type { HostAccess } from "../node/hostAccess.ts"
import { podName } from "../records/podName.ts"

export const listTable = (
  attachments: ReadonlyArray<Attachment>,
  devices: ReadonlyArray<StandaloneDevice>,
  hostAccess: ReadonlyArray<HostAccess>
): string => {
  const rows = [...attachments.map(attachmentRow), ...devices.map(deviceRow), ...hostAccess.map(hostAccessRow)]
  return rows.length === 0 ? "no attachments\n" : columns([heading, ...rows])
}

const heading = ["NETWORK", "CONTAINER", "POD", "IFNAME", "MAC", "MASTER", "MODE", "TAP"]

const attachmentRow = (attachment: Attachment): ReadonlyArray<string> => [
  attachment.knownBy === "runtime" ? attachment.network : `${attachment.network} ?`,
  shortId(attachment.container),
  ...heldCells(attachment)
]

const deviceRow = (device: StandaloneDevice): ReadonlyArray<string> => [
  "(standalone)",
  device.deviceID,
  ...heldCells(device)
]

const hostAccessRow = ({ link, master, routes }: HostAccess): ReadonlyArray<string> => [
  "(host access)",
  routes.length === 1 ? "1 route" : `${routes.length} routes`,
  "-",
  link.name,
  link.mac ?? "-",
  master,
  "bridge",
  "-"
]

/** A container ID is 64 digits; the first 13 are what crictl and kubectl show. */
const shortId = (id: string): string => (/^[0-9a-f]{64}$/.test(id) ? id.slice(0, 13) : id)

const heldCells = ({ pod, ifname, mac, master, mode, tap }: Held): ReadonlyArray<string> => [
  pod === undefined ? "-" : podName(pod),
  ifname,
  mac ?? "-",
  master ?? "-",
  mode ?? "-",
  tapCell(tap)
]

const tapCell = (tap: Tap | undefined): string => {
  if (tap === undefined) return "-"
  if (tap.node === undefined) return `(${tap.problem})`
  return `${tap.node} ${tap.owner}:${tap.group} ${(tap.mode ?? 0).toString(8).padStart(4, "0")}`
}

/** As wide as their widest cell, two spaces between, nothing after the last. Cells may come from outside. */
export const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = rows.map((row) => row.map(escapeText))
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")
  return cells.map((row) => `${line(row).trimEnd()}\n`).join("")
}
