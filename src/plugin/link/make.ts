/** Creates the container's link in place: born in its namespace, named, addressed, sized and up, in one request. */

import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
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
import { attachmentTaker, keepNumbersBack, mayBeOpened, noNumber, type Taker, takeNumber } from "./number.ts"
import { ownIndexes } from "./own.ts"
import { checkMtu, findParent } from "./parent.ts"
import { permitMaster } from "./permit.ts"
import type { Place } from "./place.ts"
import { configuredSettings } from "./settings.ts"
import { giveTapNode, judgeNode, type NodeVerdict } from "./tapNode.ts"

/** A link to make, with everything that its undoing needs. */
type IndexedSpec = LinkSpec & { readonly index: number; readonly alias: string }

/** Which ifindexes may be tried, and whom the number is for. */
export interface Choice {
  readonly indexes: Iterable<number>
  readonly taker: Taker
}

/** Another may take the number that was kept free, in between: often where pods come and go, but not so often in a row. */
const rounds = 32

/** The link on the configured `master`, with a tap node of its own. */
export const makeLink = Effect.fnUntraced(function* (host: Place, container: Place) {
  const config = yield* ConfigService
  const birthplace = config.link.linkInContainer ? container : host
  const parent = yield* findParent(birthplace.route)
  yield* permitMaster(parent)
  const taker = yield* attachmentTaker(container.netns)
  return yield* makeLinkOn(birthplace, container, parent, {}, { indexes: ownIndexes(config), taker })
})

/** `ip link add link <parent> name <ifname> netns <container> type <kind>`, at the first ifindex that is free. */
export const makeLinkOn = Effect.fnUntraced(function* (
  birthplace: Place,
  container: Place,
  parent: Link,
  options: LinkOptions,
  choice: Choice
) {
  const { network, link: config } = yield* ConfigService
  const settings = yield* configuredSettings
  yield* checkMtu(config.mtu, parent)
  if (parent.name !== config.master) yield* annotateCall({ "link.master": parent.name })
  const spec = {
    ...settings,
    kind: network.kind,
    parent: parent.index,
    options: withDefaults(network.kind, { ...options, ...settings.options }),
    ...(birthplace === container ? {} : { netns: container.netns })
  } satisfies LinkSpec
  return yield* acquireWithOwnNumber(birthplace, container, spec, choice).pipe(
    Effect.catchTag("NetlinkError", (error) => explainRefusal(error, { spec, parent, birthplace, container }))
  )
})

/** The link, with a number that no other pod may open: one that it may has to be had by something else meanwhile. */
const acquireWithOwnNumber = (birthplace: Place, container: Place, spec: Omit<IndexedSpec, "index">, choice: Choice) =>
  Effect.suspend(() => {
    const kept = Scope.makeUnsafe()
    return Effect.onExit(acquireBeside(kept, birthplace, container, spec, choice), (exit) => Scope.close(kept, exit))
  })

/** What has to have other numbers meanwhile is in the scope `kept`. */
const acquireBeside = Effect.fnUntraced(function* (
  kept: Scope.Scope,
  birthplace: Place,
  container: Place,
  spec: Omit<IndexedSpec, "index">,
  { indexes, taker }: Choice
) {
  for (let round = 0; round < rounds; round++) {
    const { link, verdict } = yield* acquireWithOwnNode(birthplace, container, spec, indexes, taker)
    if (verdict === undefined) return link
    const { mine, problem } = yield* takeTap(verdict, taker)
    if (mine) {
      if (taker.deviceID === undefined || verdict._tag !== "Foreign") yield* giveTapNode(verdict, link, problem)
      return link
    }
    yield* Effect.ignore(container.route.linkDel(link.index))
    yield* Scope.provide(keepNumbersBack(taker), kept)
  }
  return yield* noNumber(undefined)
})

/** Whether the taker has the number now. What cannot be written down, for want of rights, is not handed out. */
export const takeTap = Effect.fnUntraced(function* ({ _tag, number }: NodeVerdict, taker: Taker) {
  const isDevice = taker.deviceID !== undefined
  if (number === undefined) return isDevice ? yield* unnumbered(taker.deviceID) : { mine: true }
  // Of what nobody is handed nothing is written down; it may be another's all the same.
  if (_tag !== "Own" && !isDevice) return { mine: !(yield* mayBeOpened(number, taker)) }
  const taken = yield* Effect.result(takeNumber(number, taker))
  if (taken._tag === "Success") return { mine: taken.success }
  if (isDevice || taken.failure._tag !== "ReservationError") return yield* Effect.fail(taken.failure)
  return { mine: true, problem: taken.failure }
})

/** The node that the kubelet opens needs it, and so does whoever asks later whose the number is. */
const unnumbered = (deviceID: string | undefined) =>
  new CniError({
    code: codes.tryAgainLater,
    msg: `the number of the tap of device "${deviceID}" cannot be read`,
    details: "it stands in sysfs, mounted for the container's namespace; try again"
  })

/** Tries ifindexes until the link's tap node is its own; the node's name is taken by the first that comes. */
const acquireWithOwnNode = Effect.fnUntraced(function* (
  birthplace: Place,
  container: Place,
  spec: Omit<IndexedSpec, "index">,
  indexes: Iterable<number>,
  { deviceID }: Taker
) {
  const tap = yield* TapService
  // The kubelet opens a device's own node, whoever has the kernel's of that name: anybody can make a link of any ifindex.
  const needsNode = spec.kind.device === "tap" && deviceID === undefined
  for (const index of indexes) {
    // Asked first, since a name that is taken costs a link made and deleted (without an agent an RCU grace period, 12 ms).
    if (needsNode && (yield* tap.node(index)) !== undefined) continue
    const made = yield* Effect.result(acquireLink(birthplace, container, { ...spec, index }))
    if (made._tag === "Failure") {
      const onlyTheIndexIsTaken =
        made.failure._tag === "NetlinkError" && made.failure.errno === "EEXIST" && (yield* isFree(container, spec.name))
      if (onlyTheIndexIsTaken) continue
      return yield* Effect.fail(made.failure)
    }
    const link = made.success
    if (spec.kind.device === undefined) return { link, verdict: undefined }
    const verdict = yield* judgeNode(container.netns, link)
    if (verdict._tag !== "Foreign" || !needsNode) return { link, verdict }
    // Another ADD took the node between the look and the making: its link keeps it, ours tries the next.
    yield* container.route.linkDel(link.index)
  }
  return yield* new CniError({
    code: codes.tryAgainLater,
    msg: `no free ifindex for link "${spec.name}"`,
    details:
      deviceID === undefined
        ? "every ifindex that was tried has a /dev/tap node of another link; try again"
        : `another link of the container has the one that belongs to device "${deviceID}"; remove that link`
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
