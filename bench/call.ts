/** Who is called, with which configuration, and what a right answer is. */
import { attachmentEnv, debianPlugins } from "../test/lab/plugin.ts"
import type { Ended, Program } from "./spawn.ts"

export type Command = "ADD" | "CHECK" | "DEL" | "VERSION"

export interface Attachment {
  readonly containerID: string
  /** Path. */
  readonly netns: string
}

/** A CNI call before anybody is called. */
export interface Call {
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
}

export const goMacvlan = `${debianPlugins}/macvlan`

/** Of this run only, so that a GC of ours is nobody else's. */
export const network = `bm-${process.pid}`

/** The network configuration; Go's macvlan asks for an `ipam` even where there are to be no addresses. */
const configuration = (type: "macvtap" | "macvlan"): object => ({
  cniVersion: "1.0.0",
  name: network,
  type,
  master: "eth0",
  mode: "bridge",
  ...(type === "macvlan" ? { ipam: {} } : {})
})

/** `prevResult` is ADD's answer, which CHECK and DEL get. */
export const callOf = (
  command: Command,
  type: "macvtap" | "macvlan",
  attachment: Attachment,
  prevResult?: string
): Call => ({
  env: attachmentEnv(command, attachment),
  stdin: JSON.stringify({
    ...configuration(type),
    ...(prevResult === undefined || command === "ADD" ? {} : { prevResult: JSON.parse(prevResult) })
  })
})

export const programOf = (executable: string, call: Call): Program => ({ command: [executable], ...call })

/** Why the answer is wrong; undefined where it is right. */
export const fault = (command: Command, { status, stdout, stderr }: Pick<Ended, "status" | "stdout" | "stderr">) => {
  if (status !== 0) return `${command}: status ${status}: ${stdout}${stderr}`
  if (command === "ADD" && JSON.parse(stdout).interfaces?.[0]?.name !== "net1") return `ADD answered ${stdout}`
  if (command === "VERSION" && !JSON.parse(stdout).supportedVersions?.includes("1.0.0"))
    return `VERSION answered ${stdout}`
  if ((command === "CHECK" || command === "DEL") && stdout !== "") return `${command} answered ${stdout}`
  return undefined
}

/** A GC where these attachments are in use and no other. */
export const gcCall = (valid: ReadonlyArray<Attachment>): Call => ({
  env: attachmentEnv("GC", { containerID: "", netns: "" }),
  stdin: JSON.stringify({
    ...configuration("macvtap"),
    cniVersion: "1.1.0",
    "cni.dev/valid-attachments": valid.map(({ containerID }) => ({ containerID, ifname: "net1" }))
  })
})
