/** The node's policy, asked before anything is made. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { withDefaults } from "../../cni/config/linkOptions.ts"
import { type Asked, objections, placeOf } from "../../cni/policy/judge.ts"
import { decodePolicy, longestPolicy, type Policy } from "../../cni/policy/Policy.ts"
import type { Link } from "../../link/Link.ts"
import { PolicyService, policyPath } from "../../services/PolicyService.ts"
import { ConfigService } from "../ConfigService.ts"

/** Refuses a link on that master (the container's own, with `linkInContainer`) where the policy does. */
export const permitMaster = Effect.fnUntraced(function* (master: Link) {
  const policy = yield* readPolicy
  if (policy === undefined) return
  const { network, link } = yield* ConfigService
  const mode = withDefaults(network.kind, link.options)["mode"]
  yield* permit(policy, {
    ...(link.linkInContainer ? {} : { master: { name: master.name, isOthersEnd: isOthersEnd(master) } }),
    ...(typeof mode === "string" ? { mode } : {})
  })
})

/** Refuses the device where the policy does: its master and mode are whoever made it for to choose. */
export const permitDevice = Effect.fnUntraced(function* (deviceID: string) {
  const policy = yield* readPolicy
  if (policy === undefined) return
  const mode = (yield* ConfigService).link.options["mode"]
  yield* permit(policy, { deviceID, ...(typeof mode === "string" ? { mode } : {}) })
})

const permit = Effect.fnUntraced(function* (policy: Policy, what: Pick<Asked, "master" | "mode" | "deviceID">) {
  const { network, link, podNamespace } = yield* ConfigService
  const inTheWay = objections(policy, {
    ...what,
    kind: network.kind.kind,
    promiscMode: link.promisc,
    ...(podNamespace === undefined ? {} : { namespace: podNamespace }),
    ...(link.owner === undefined ? {} : { owner: link.owner }),
    ...(link.group === undefined ? {} : { group: link.group })
  })
  if (inTheWay.length === 0) return
  return yield* new CniError({
    code: codes.invalidConfig,
    msg: `the policy of this node does not allow it to ${placeOf(podNamespace)}: ${inTheWay.join("; ")}`,
    details: `change the network, or ask the node's owner, whose policy is ${policyPath}`
  })
})

/** The policy in force; undefined where the node has none. One that cannot be read allows nothing. */
export const readPolicy: Effect.Effect<Policy | undefined, CniError, PolicyService> = PolicyService.use(({ read }) =>
  Effect.matchEffect(read(longestPolicy), {
    onFailure: ({ problem }) => Effect.fail(broken(problem)),
    onSuccess: (text) =>
      text === undefined ? Effect.undefined : Effect.fromResult(Result.mapError(decodePolicy(text), broken))
  })
)

const broken = (problem: string): CniError =>
  new CniError({
    code: codes.notAvailable,
    msg: `the policy of this node, ${policyPath}, ${problem}`,
    details: "no network is added to a pod until its owner has mended or removed the file"
  })

/**
 * A cable's end whose other end is in another namespace: a pod's, as a rule, though the uplink of a node that is a
 * container is just that.
 */
const isOthersEnd = (link: Link): boolean => link.parent?.netnsid !== undefined
