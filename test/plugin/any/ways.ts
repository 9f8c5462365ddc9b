/** The ways in which a request can go wrong, for the sweeps that let each request of an ADD go wrong in each of them. */
import type { Fault } from "../../../src/mock/faults/requests.ts"

const refused = (errno: string): Fault => ({ _tag: "Refused", errno })

/** Errnos on which the plugin does different things. */
export const refusals: ReadonlyArray<Fault> = ["EPERM", "EINVAL", "EEXIST", "ENODEV", "ENOBUFS", "EBUSY"].map(refused)

/** The kernel has done it, and nobody hears of that. */
export const lost: Fault = { _tag: "Lost", errno: "ENOBUFS" }

/** One for each way: refused, the answer lost, and interrupted before and after its effect. */
export const ways: ReadonlyArray<Fault> = [
  refused("EPERM"),
  lost,
  { _tag: "Interrupted", moment: "before" },
  { _tag: "Interrupted", moment: "after" }
]
