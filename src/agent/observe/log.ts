/** The agent's log: a line of JSON for everything that it says, on stderr. */

import type { Ended } from "../../observe/Ended.ts"
import { type LogLevel, logLevels } from "../../services/LogService.ts"
import { jsonText } from "../../wire/foreign.ts"

export type Say = (level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>) => void

/** Lines of that level and worse; `write` takes whole ones. */
export const makeSay =
  (least: LogLevel, write: (line: string) => void, now: () => Date = () => new Date()): Say =>
  (level, message, facts = {}) => {
    if (logLevels.indexOf(level) < logLevels.indexOf(least)) return
    write(`${jsonText({ time: now().toISOString(), level, message, ...facts })}\n`)
  }

/** One line for a call that has ended: what it was, how it ended, how long it took, and the trace that has the rest. */
export const sayCall = (say: Say, call: Ended, trace: string | undefined): void => {
  const fact = (name: string) => call.attributes.get(name)
  const code = fact("cni.error.code") ?? 0
  say(code === 0 ? "info" : "warning", `${call.name} ${code === 0 ? "done" : `failed with code ${code}`}`, {
    command: fact("cni.command"),
    code,
    milliseconds: Number(call.ended - call.began) / 1e6,
    network: fact("cni.network.name"),
    container: fact("container.id"),
    interface: fact("network.interface.name"),
    namespace: fact("k8s.namespace.name"),
    pod: fact("k8s.pod.name"),
    trace
  })
}
