/** Creates the container's link in place: born in its namespace, named, addressed, sized and up, in one request. */

import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { withDefaults } from "../../cni/config/linkOptions.ts"
import type { Link, LinkOptions } from "../../link/Link.ts"
import type { LinkSpec } from "../../link/LinkSpec.ts"
import { annotateCall, tracedRollback } from "../../observe/span.ts"
import { LogService } from "../../services/LogService.ts"
import type { NetlinkError } from "../../services/NetlinkService.ts"
import { TapService } from "../../services/TapService.ts"
import { ConfigService } from "../ConfigService.ts"
import { explainRefusal } from "../refusal/explain.ts"
import { ownIndexes } from "./own.ts"
import { checkMtu, findParent } from "./parent.ts"
import { permitMaster } from "./permit.ts"
import type { Place } from "./place.ts"
import { configuredSettings } from "./settings.ts"
import { giveTapNode, judgeNode } from "./tapNode.ts"

/** A link to make, with everything that its undoing needs. */
type IndexedSpec = LinkSpec & { readonly index: number; readonly alias: string }

/** The link on the configured `master`, with a tap node of its own. */
export const makeLink = Effect.fnUntraced(function* (host: Place, container: Place) {
  const config = yield* ConfigService
  const birthplace = config.link.linkInContainer ? container : host
  const parent = yield* findParent(birthplace.route)
  yield* permitMaster(parent)
  return yield* makeLinkOn(birthplace, container, parent, {}, ownIndexes(config))
})

/** `ip link add link <parent> name <ifname> netns <container> type <kind>`, at the first ifindex that is free. */
export const makeLinkOn = Effect.fnUntraced(function* (
  birthplace: Place,
  container: Place,
  parent: Link,
  options: LinkOptions,
  indexes: Iterable<number>
) {
  const { network, link: config } = yield* ConfigService
  const settings = yield* configuredSettings
  yield* checkMtu(config.mtu, parent)
  yield* annotateCall({ "link.master": parent.name })
  const spec = {
    ...settings,
    kind: network.kind,
    parent: parent.index,
    options: withDefaults(network.kind, { ...options, ...settings.options }),
    ...(birthplace === container ? {} : { netns: container.netns })
  } satisfies LinkSpec
  return yield* acquireWithOwnNode(birthplace, container, spec, indexes).pipe(
    Effect.catchTag("NetlinkError", (error) => explainRefusal(error, { spec, parent, birthplace, container }))
  )
})

/** Tries ifindexes until the link's tap node is its own; the node's name is taken by the first that comes. */
const acquireWithOwnNode = Effect.fnUntraced(function* (
  birthplace: Place,
  container: Place,
  spec: Omit<IndexedSpec, "index">,
  indexes: Iterable<number>
) {
  const tap = yield* TapService
  for (const index of indexes) {
    // Asked first, since a name that is taken costs a link made and deleted (an RCU grace period, 12 ms).
    if (spec.kind.device === "tap" && (yield* tap.node(index)) !== undefined) continue
    const made = yield* Effect.result(acquireLink(birthplace, container, { ...spec, index }))
    if (made._tag === "Failure") {
      const onlyTheIndexIsTaken =
        made.failure._tag === "NetlinkError" && made.failure.errno === "EEXIST" && (yield* isFree(container, spec.name))
      if (onlyTheIndexIsTaken) continue
      return yield* Effect.fail(made.failure)
    }
    const link = made.success
    if (spec.kind.device === undefined) return link
    const verdict = yield* judgeNode(container.netns, link)
    // Another ADD took the node between the look and the making: its link keeps it, ours tries the next.
    if (verdict._tag === "Foreign") {
      yield* container.route.linkDel(link.index)
      continue
    }
    yield* giveTapNode(verdict, link)
    return link
  }
  return yield* new CniError({
    code: codes.tryAgainLater,
    msg: `no free tap node for link "${spec.name}"`,
    details: "every ifindex that was tried has a /dev/tap node of another link; try again"
  })
})

/**
 * The link for as long as the scope goes well: taken back when it fails or is interrupted, at whatever step. Its alias
 * takes a request of its own, since the kernel ignores one in the request that creates.
 */
const acquireLink = Effect.fnUntraced(function* (birthplace: Place, container: Place, asked: IndexedSpec) {
  const { log } = yield* LogService
  const { alias, ...whole } = asked
  const { up, ...down } = whole
  const upLast = up === true && whole.kind.upLast?.(whole.options ?? {}) === true
  const spec = upLast ? down : whole
  const undo = container.route.linkGet(spec.index).pipe(
    Effect.flatMap((link) => (link.name === spec.name ? container.route.linkDel(spec.index) : Effect.void)),
    Effect.catchTag("LinkNotFound", () => Effect.void),
    Effect.catch((error) => log("error", () => `could not take back ${spec.name}: ${error.operation}: ${error.errno}`)),
    tracedRollback("link")
  )
  yield* Effect.acquireRelease(
    birthplace.route.linkAdd(spec).pipe(Effect.tapError((error) => (answerWasLost(error) ? undo : Effect.void))),
    (_, exit) => (Exit.isSuccess(exit) ? Effect.void : undo)
  )
  // In mode passthru a new link takes its parent's address, whatever the request says; set afterwards it is both's.
  yield* container.route.linkSet(spec.index, {
    alias,
    ...(spec.mac === undefined ? {} : { mac: spec.mac }),
    ...(upLast ? { up } : {})
  })
  return yield* container.route.linkGet(spec.index)
})

/** Whether the kernel may have done what it was asked although its answer is an error: the answer was lost. */
const answerWasLost = (error: NetlinkError): boolean =>
  ["ENOBUFS", "EMSGSIZE", "ETIMEDOUT", "EPROTO"].includes(error.errno)

const isFree = (place: Place, name: string) =>
  place.route.linkGet(name).pipe(
    Effect.as(false),
    Effect.catchTag("LinkNotFound", () => Effect.succeed(true))
  )
