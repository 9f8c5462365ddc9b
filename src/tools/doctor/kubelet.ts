/** The kubelet's folder of device plugins. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { statFile } from "../node/files.ts"
import { probeSocket } from "../node/socket.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"

const check = "kubelet"

export interface Kubelet {
  readonly findings: ReadonlyArray<Finding>
  /** `none`: this node has none; `silent`: it has, and nobody answers. */
  readonly state: "none" | "silent" | "answers"
}

export const kubelet = Effect.fn("kubelet")(function* ({ root, kubelet: below }: Site) {
  const folder = join(root, below)
  if (statFile(join(folder, ".."))?.isDirectory() !== true) {
    const says = `there is none on this node (no ${join(folder, "..")}); pods get no tap through it`
    return { state: "none", findings: [note(check, says)] } satisfies Kubelet
  }
  const silent = (says: string, todo: string): Kubelet => ({ state: "silent", findings: [wrong(check, says, todo)] })
  if (statFile(folder)?.isDirectory() !== true) {
    return silent(`it has no folder ${folder}`, "start the kubelet, which makes it; with --root-dir it is elsewhere")
  }
  const socket = join(folder, "kubelet.sock")
  if (statFile(socket)?.isSocket() !== true) {
    return silent(`${socket} is missing, so that no device plugin can register`, "start the kubelet")
  }
  const refused = yield* probeSocket(socket)
  return refused === undefined
    ? ({ state: "answers", findings: [fine(check, `it answers on ${socket}`)] } satisfies Kubelet)
    : silent(`nobody answers on ${socket}: ${refused}`, "start the kubelet, or look at its log")
})
