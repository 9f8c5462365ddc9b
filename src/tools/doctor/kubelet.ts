/** The kubelet's folder of device plugins, and what our device plugin has in it. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { decodeResources, type Resources, resourcesFile } from "../../devices/resources.ts"
import { readText, statFile } from "../files.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"
import { probeSocket } from "./socket.ts"

const check = "kubelet"

const folderFindings = Effect.fnUntraced(function* ({ root, kubelet }: Site) {
  const folder = join(root, kubelet)
  if (statFile(join(folder, ".."))?.isDirectory() !== true) {
    return [note(check, `there is none on this node (no ${join(folder, "..")}); pods get no tap through it`)]
  }
  if (statFile(folder)?.isDirectory() !== true) {
    return [
      wrong(check, `it has no folder ${folder}`, "start the kubelet, which makes it; with --root-dir it is elsewhere")
    ]
  }
  const socket = join(folder, "kubelet.sock")
  if (statFile(socket)?.isSocket() !== true) {
    return [wrong(check, `${socket} is missing, so that no device plugin can register`, "start the kubelet")]
  }
  const refused = yield* probeSocket(socket)
  return refused === undefined
    ? [fine(check, `it answers on ${socket}`)]
    : [wrong(check, `nobody answers on ${socket}: ${refused}`, "start the kubelet, or look at its log")]
})

export interface Offered {
  readonly findings: ReadonlyArray<Finding>
  readonly resources: Resources
}

const none: Resources = {}

/** What the device plugin wrote down. */
const offered = ({ root, state }: Site): Offered => {
  const file = join(root, resourcesFile(state))
  const text = readText(file)
  if (text === undefined) {
    const says = `it has not run here (no ${file}); KubeVirt and unprivileged pods get their taps through it`
    return {
      findings: [note("device plugin", says, `apply deploy/macvtap-cni.yaml, where this is a node of Kubernetes`)],
      resources: none
    }
  }
  const decoded = decodeResources(text)
  if (Result.isFailure(decoded)) {
    const findings = [
      wrong("device plugin", `${file}: ${decoded.failure}`, "restart the device plugin, which writes it anew")
    ]
    return { findings, resources: none }
  }
  const resources = decoded.success
  const names = Object.keys(resources)
  return {
    findings: [
      fine("device plugin", names.length === 0 ? "it offers no resource on this node" : `it offers ${names.join(", ")}`)
    ],
    resources
  }
}

export const kubelet = Effect.fnUntraced(function* (site: Site) {
  const { findings, resources } = offered(site)
  return { findings: [...(yield* folderFindings(site)), ...findings], resources } satisfies Offered
})
