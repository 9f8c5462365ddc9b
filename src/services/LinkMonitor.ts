/** The host's links as they are, and again whenever one has changed: heard of from the kernel, never asked in turns. */
import * as Context from "effect/Context"
import type * as Stream from "effect/Stream"
import type { Link } from "../link/Link.ts"
import type { NetlinkError } from "./NetlinkService.ts"
import type { NetnsError } from "./NetnsService.ts"

export interface LinkView {
  /** Every link of the namespace, by ascending ifindex. */
  readonly links: ReadonlyArray<Link>
  /** How often so far the kernel had to drop events (ENOBUFS), after which everything was looked at afresh. */
  readonly overruns: number
}

export class LinkMonitor extends Context.Service<
  LinkMonitor,
  {
    /**
     * `ip monitor link`, with what there is at the start. One who is slow misses views, never the newest one. It ends only
     * by failing.
     */
    readonly views: Stream.Stream<LinkView, NetlinkError | NetnsError>
  }
>()("macvtap-cni/services/LinkMonitor") {}
