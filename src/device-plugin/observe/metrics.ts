/** What the daemon counts. Effect keeps the numbers and has the text format that Prometheus reads. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

const allocations = Metric.counter("macvtap_allocations_total", {
  description: "Devices that the kubelet was given for a container",
  incremental: true
})
const devices = Metric.gauge("macvtap_devices", { description: "Devices offered, by their health" })
const allotted = Metric.gauge("macvtap_devices_allotted", {
  description: "Devices that the kubelet's checkpoint says a pod has"
})
const errors = Metric.counter("macvtap_errors_total", {
  description: "What failed, by the operation",
  incremental: true
})
const registrations = Metric.counter("macvtap_registrations_total", {
  description: "Registrations that the kubelet took",
  incremental: true
})
const registered = Metric.gauge("macvtap_registered", {
  description: "1 while the kubelet knows the resource and watches its devices, else 0"
})
const overruns = Metric.counter("macvtap_link_event_overruns_total", {
  description: "How often the kernel had to drop link events, after which everything was looked at afresh",
  incremental: true
})

export type Operation = "allocate" | "prestart" | "register" | "serve" | "config" | "links" | "resources" | "cleanup"

export const operations: ReadonlyArray<Operation> = [
  "allocate",
  "prestart",
  "register",
  "serve",
  "config",
  "links",
  "resources",
  "cleanup"
]

export const countAllocations = (resource: string, count: number): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(allocations, { resource }), count)

export const countError = (operation: Operation, count = 1): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(errors, { operation }), count)

export const countRegistrations = (resource: string, count: number): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(registrations, { resource }), count)

export const setRegistered = (resource: string, isKnown: boolean): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(registered, { resource }), isKnown ? 1 : 0)

export const countOverruns = (count: number): Effect.Effect<void> => Metric.update(overruns, count)

export const setDevices = (resource: string, state: "healthy" | "unhealthy", count: number): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(devices, { resource, state }), count)

export const setAllotted = (resource: string, count: number): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(allotted, { resource }), count)

/** What is counted is there from the beginning, at 0: a rate needs a first value. */
export const beginCounting: Effect.Effect<void> = Effect.andThen(
  Effect.forEach(operations, (operation) => countError(operation, 0), { discard: true }),
  countOverruns(0)
)
