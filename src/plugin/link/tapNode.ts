/**
 * The tap node of a link: `/dev/tap<ifindex>`. devtmpfs is one for the host while an ifindex is unique only within a
 * namespace, so a node of the right name can belong to another pod's link. No pod is ever handed a node whose device
 * number is not its own link's.
 */

import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import type { LinkConf } from "../../cni/config/LinkConf.ts"
import { nodeOwner } from "../../devices/nodeOwner.ts"
import type { Link } from "../../link/Link.ts"
import type { Netns } from "../../link/Netns.ts"
import { LogService } from "../../services/LogService.ts"
import type { ReservationError } from "../../services/ReservationService.ts"
import { type DeviceNumber, type TapError, type TapNode, TapService } from "../../services/TapService.ts"
import { ConfigService } from "../ConfigService.ts"

const { owner: qemuUser, group: qemuGroup, mode: nodeMode } = nodeOwner

/** Whether a node of the link's index exists, and is the link's own. */
export type NodeVerdict = (
  | { readonly _tag: "None" }
  | { readonly _tag: "Own"; readonly node: TapNode }
  | { readonly _tag: "Foreign"; readonly node: TapNode }
) & {
  /** The link's own number; undefined where it cannot be told. */
  readonly number: DeviceNumber | undefined
}

/**
 * By device number, read from a sysfs of the link's namespace. Where no sysfs can be mounted (a user namespace) the node
 * is asked for its link's MAC instead.
 */
export const judgeNode = Effect.fnUntraced(function* (netns: Netns, link: Link) {
  const tap = yield* TapService
  const node = yield* tap.node(link.index)
  const told = yield* Effect.catch(tap.deviceNumber(netns, link), () => Effect.succeed(undefined))
  if (node === undefined) return { _tag: "None", number: told } satisfies NodeVerdict
  const own = told === undefined ? (yield* tap.reportedMac(node)) === link.mac : told === node.device
  return { _tag: own ? "Own" : "Foreign", node, number: told ?? (own ? node.device : undefined) } satisfies NodeVerdict
})

/**
 * Gives the link's own node to `owner`:`group`, 107:107 where the configuration is silent. A host without the node (a
 * "kind" node's /dev is no devtmpfs) or without the right to give it away (a user namespace) is an error only where the
 * configuration asked for an owner; so is one that could not be written down as the pod's (`problem`).
 */
export const giveTapNode = Effect.fnUntraced(function* (verdict: NodeVerdict, link: Link, problem?: ReservationError) {
  const config = (yield* ConfigService).link
  const { log } = yield* LogService
  const asked = config.owner !== undefined || config.group !== undefined
  const path = `/dev/tap${link.index}`
  if (verdict._tag === "Foreign") return yield* foreignNode(verdict.node, link)
  if (verdict._tag === "None") {
    if (asked) {
      return yield* new CniError({
        code: codes.invalidConfig,
        msg: `"owner" or "group" is configured, but there is no ${path} to give away`,
        details:
          `/dev of the node is not the host's devtmpfs, so the kernel's tap nodes do not appear there; ` +
          `leave "owner" and "group" out, or mount devtmpfs on /dev`
      })
    }
    return yield* log("warning", () => `there is no ${path} for link ${link.name}: /dev is not the host's devtmpfs`)
  }
  const stays = <E extends TapError | ReservationError>(error: E, why: string): Effect.Effect<void, E> =>
    asked ? Effect.fail(error) : log("warning", () => `${path} stays root's: ${error.operation}: ${why}`)
  // What cannot be written down cannot be kept from the next pod either.
  if (problem !== undefined) return yield* stays(problem, `${problem.path}: ${problem.problem}`)
  yield* (yield* TapService)
    .give(verdict.node, nodeRights(config))
    .pipe(Effect.catchTag("TapError", (error) => stays(error, error.errno)))
})

/** The refusal to hand out a node that is another link's. */
export const foreignNode = (node: TapNode, link: Link): CniError =>
  new CniError({
    code: codes.tryAgainLater,
    msg: `${node.path} is not the tap of link "${link.name}"`,
    details:
      `the node has device number ${node.device}, which belongs to another link that has ifindex ${link.index} ` +
      `in another network namespace; delete the attachment and add it again`
  })

/** Whom a tap node shall belong to: the configured owner and group, else QEMU's as KubeVirt runs it. */
export const nodeRights = ({ owner, group }: Pick<LinkConf, "owner" | "group">) => ({
  owner: owner ?? qemuUser,
  group: group ?? qemuGroup,
  mode: nodeMode
})
