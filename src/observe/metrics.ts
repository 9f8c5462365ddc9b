/**
 * What calls are counted by: figures made of their spans, or of what is timed in place of one (`traced`, `tracedCall`), so
 * that what is traced and what is counted cannot differ. Effect keeps the numbers and has the text that Prometheus reads.
 * No label can be multiplied by who owns a pod or a network.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { Ended } from "./Ended.ts"
import type { Counted } from "./span.ts"

/** Seconds: an ADD takes two milliseconds, one that waits for duplicate address detection two seconds, an IPAM plugin 30. */
const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

type Labels = Readonly<Record<string, string>>

/** A metric for each set of labels, made once: `Metric.withAttributes` would merge and sort them anew at every update. */
const series = <M>(make: (attributes: Labels) => M): ((labels: Labels) => M) => {
  const known = new Map<string, M>()
  return (labels) => {
    const key = Object.values(labels).join("\0")
    const metric = known.get(key) ?? make(labels)
    known.set(key, metric)
    return metric
  }
}

const histogram = (name: string, description: string) =>
  series((attributes) => Metric.histogram(name, { description, boundaries: seconds, attributes }))

const counter = (name: string, description: string) =>
  series((attributes) => Metric.counter(name, { description, incremental: true, attributes }))

export const calls = counter(
  "macvtap_cni_calls_total",
  "CNI calls answered, by command and code of the answer (0: well)"
)
export const callSeconds = histogram("macvtap_cni_call_duration_seconds", "Time of CNI calls, by command")
export const kernelSeconds = histogram("macvtap_cni_kernel_request_duration_seconds", "Time of requests to the kernel")
export const kernelErrors = counter("macvtap_cni_kernel_refusals_total", "Requests that the kernel refused")
export const ipamSeconds = histogram("macvtap_cni_ipam_duration_seconds", "Time of IPAM plugins, by type")
export const waitSeconds = histogram("macvtap_cni_wait_duration_seconds", "Time that calls waited, by what for")
export const rollbacks = counter("macvtap_cni_rollbacks_total", "What failed calls took back")

export const heldBack = counter(
  "macvtap_cni_numbers_held_back_total",
  "Taps for which numbers had to be held back, since another pod could still open the first that came"
)

/** Values of a label that comes from configurations: so many, and "other" for all the rest. */
const mostValues = 16

interface Measured {
  readonly attributes: ReadonlyMap<string, unknown>
  readonly seconds: number
  readonly failed: boolean
}

const measured = (one: Ended | Counted): Measured =>
  "milliseconds" in one
    ? { attributes: new Map(Object.entries(one.attributes)), seconds: one.milliseconds / 1e3, failed: one.failed }
    : { attributes: one.attributes, seconds: Number(one.ended - one.began) / 1e9, failed: one.failed }

/** Takes what has ended into account. Attributes are those that `span.ts`'s users set. */
export const makeMeter = (context: Context.Context<never> = Context.empty()): ((one: Ended | Counted) => void) => {
  const types = new Set<string>()
  const known = (value: string): string => {
    if (types.size < mostValues) types.add(value)
    return types.has(value) ? value : "other"
  }
  const observe = (metric: ReturnType<typeof histogram>, labels: Labels, { seconds }: Measured): void =>
    metric(labels).updateUnsafe(seconds, context)
  const count = (metric: ReturnType<typeof counter>, labels: Labels): void => metric(labels).updateUnsafe(1, context)
  const text = ({ attributes }: Measured, name: string): string | undefined => {
    const value = attributes.get(name)
    return value === undefined ? undefined : String(value)
  }
  return (one) => {
    const what = measured(one)
    const command = text(what, "cni.command")
    const operation = text(what, "netlink.operation")
    const wait = text(what, "wait.for")
    const type = text(what, "ipam.type")
    if (command !== undefined) {
      count(calls, { command, code: text(what, "cni.error.code") ?? "0" })
      observe(callSeconds, { command }, what)
    } else if (operation !== undefined) {
      observe(kernelSeconds, { operation }, what)
      const errno = text(what, "netlink.errno")
      if (errno !== undefined) count(kernelErrors, { operation, errno })
    } else if (wait !== undefined) observe(waitSeconds, { for: wait }, what)
    else if (type !== undefined) observe(ipamSeconds, { type: what.failed ? "failed" : known(type) }, what)
    if (what.attributes.has("held.back")) count(heldBack, {})
    const rollback = text(what, "rollback.of")
    if (rollback !== undefined) count(rollbacks, { what: rollback })
  }
}
