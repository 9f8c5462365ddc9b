/** How the agent is at the moment somebody looks: figures that are set when they are asked for, and not in between. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { residentMemory } from "../../live/system/memory.ts"
import type { Ended } from "../../observe/Ended.ts"
import type { Gate } from "../limits.ts"

const running = Metric.gauge("macvtap_cni_calls_running", { description: "Calls that are being answered" })
const waiting = Metric.gauge("macvtap_cni_calls_waiting", { description: "Calls that wait for their turn" })
const refused = Metric.counter("macvtap_cni_calls_refused_total", {
  description: "Calls that were not begun, for want of room or of words that the agent knows",
  incremental: true
})
const attached = Metric.gauge("macvtap_cni_attachments", {
  description: "Attachments that this agent made and has not deleted, since it began"
})
const build = Metric.gauge("macvtap_cni_build_info", { description: "1, and which version it is" })
const memory = Metric.gauge("process_resident_memory_bytes", { description: "Resident memory size in bytes" })

/** Attachments that are remembered, and pairs of network and master that are told apart; the rest is "other". */
const most = { attachments: 8192, pairs: 64 }

export interface Attachments {
  /** Hears of a call's end. */
  readonly hear: (call: Ended) => void
  readonly refresh: Effect.Effect<void>
}

interface Pair {
  readonly network: string
  readonly master: string
}

/** Which attachments there are, by the calls that made and removed them. */
export const makeAttachments = (): Attachments => {
  const known = new Map<string, Pair>()
  const pairs = new Map<string, Pair>()
  const text = (call: Ended, name: string): string => String(call.attributes.get(name) ?? "")
  const pairOf = (call: Ended): Pair => {
    const pair = { network: text(call, "cni.network.name"), master: text(call, "link.master") }
    const key = JSON.stringify(pair)
    if (!pairs.has(key) && pairs.size >= most.pairs) return { network: "other", master: "other" }
    pairs.set(key, pair)
    return pair
  }
  return {
    hear: (call) => {
      if (call.failed) return
      const key = `${text(call, "container.id")} ${text(call, "network.interface.name")}`
      const command = text(call, "cni.command")
      if (command === "ADD" && known.size < most.attachments) known.set(key, pairOf(call))
      if (command === "DEL") known.delete(key)
    },
    refresh: Effect.suspend(() => {
      const counts = new Map<string, number>([...pairs.keys()].map((key) => [key, 0]))
      for (const pair of known.values()) {
        const key = JSON.stringify(pair)
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
      return Effect.forEach(
        counts,
        ([key, count]) => Metric.update(Metric.withAttributes(attached, JSON.parse(key)), count),
        {
          discard: true
        }
      )
    })
  }
}

/** Sets everything that is looked at and not counted. */
export const refreshGauges = (gate: Gate, attachments: Attachments, version: string): Effect.Effect<void> => {
  let told = 0
  return Effect.gen(function* () {
    const counts = gate.counts()
    yield* Metric.update(running, counts.running)
    yield* Metric.update(waiting, counts.waiting)
    yield* Metric.update(refused, counts.refused - told)
    told = counts.refused
    yield* Metric.update(Metric.withAttributes(build, { version }), 1)
    yield* Metric.update(memory, residentMemory())
    yield* attachments.refresh
  })
}
