/** Where host access cannot work, and says so. */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { withDefaults } from "../../cni/config/linkOptions.ts"
import type { Link } from "../../link/Link.ts"
import { quote } from "../../wire/foreign.ts"
import { ConfigService } from "../ConfigService.ts"

/** Where `hostAccess` is asked for: what the configuration alone can tell, before anything is made. */
export const refuseHostAccess = Effect.gen(function* () {
  const { network, link } = yield* ConfigService
  if (network.ipam === undefined) {
    return yield* refused(
      `the network has no "ipam": without an address of the pod there is nothing to make a route for`,
      `configure "ipam"`
    )
  }
  if (link.linkInContainer) {
    return yield* refused(
      `"linkInContainer" is true: the master is the container's, and the node has no link on it`,
      `use a master of the node's`
    )
  }
  if (link.deviceID === undefined) yield* refuseMode(withDefaults(network.kind, link.options)["mode"])
})

/** The mode that the link really has: a device's is the device's. */
export const refuseMode = (mode: unknown): Effect.Effect<void, CniError> =>
  mode === "bridge"
    ? Effect.void
    : Effect.fail(
        refused(
          `the link's mode is ${quote(String(mode ?? "none"))}: only links in mode "bridge" reach another on the same master`,
          `use mode "bridge"`
        )
      )

const refused = (problem: string, advice: string): CniError =>
  new CniError({
    code: codes.invalidConfig,
    msg: `invalid configuration: "hostAccess" is true, but ${problem}`,
    details: `${advice}, or leave "hostAccess" out`
  })

/** A link of the name that is not ours is not touched. */
export const foreignHostLink = (link: Link, parent: Link): CniError =>
  new CniError({
    code: codes.invalidConfig,
    msg: `link "${link.name}" of the node is not the one that "hostAccess" makes on "${parent.name}"`,
    details:
      `it is ${link.kind === undefined ? "no macvlan" : `a ${link.kind}`} with alias ${quote(link.alias ?? "")}; ` +
      `delete or rename it ("ip link del ${link.name}"), or leave "hostAccess" out`
  })

/** The lock is held for about a millisecond; whoever has it for seconds is none of us, or hangs. */
export const lockRefused = (errno: string): CniError =>
  errno === "ETIMEDOUT"
    ? new CniError({
        code: codes.tryAgainLater,
        msg: `"hostAccess": the node's network namespace is locked`,
        details: `another process has held flock(2) on it for ten seconds; "lslocks" may name it; try again`
      })
    : new CniError({ code: codes.internal, msg: `"hostAccess": flock on the node's network namespace: ${errno}` })
