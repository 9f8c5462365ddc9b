/** Network namespaces: opened by path, told apart by identity, and entered only for one synchronous step. */

import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Netns } from "../link/Netns.ts"

/** There is nothing at the path (ENOENT, ENOTDIR): for DEL and GC a namespace that is already gone. */
export class NetnsNotFound extends Data.TaggedError("NetnsNotFound")<{ readonly path: string }> {}

/** The path is something, but no network namespace; `found` says what it is instead. */
export class NotANetns extends Data.TaggedError("NotANetns")<{ readonly path: string; readonly found: string }> {}

/** The kernel refused to open, enter or read a namespace, or a sysctl in it. `errno` is the symbol: `EACCES`. */
export class NetnsError extends Data.TaggedError("NetnsError")<{
  readonly operation: string
  readonly path: string
  readonly errno: string
}> {}

export class NetnsService extends Context.Service<
  NetnsService,
  {
    /** The namespace that this process is in. */
    readonly current: Effect.Effect<Netns, NetnsError, Scope.Scope>
    /** Opens the namespace at `path`; refuses a path that is not on nsfs (statfs magic 0x6e736673, or proc's 0x9fa0). */
    readonly open: (path: string) => Effect.Effect<Netns, NetnsNotFound | NotANetns | NetnsError, Scope.Scope>
    /** A new namespace that nobody else can find, gone with all that is in it when the scope, or the process, ends. */
    readonly fresh: Effect.Effect<Netns, NetnsError, Scope.Scope>
    /**
     * Paths of the namespaces that can be found: the files of /run/netns (and /var/run/netns), and
     * /proc/<pid>/ns/net of running processes. One path for each distinct namespace; what vanishes meanwhile is left out.
     */
    readonly list: Effect.Effect<ReadonlyArray<string>, NetnsError>
    /**
     * `flock` on the namespace itself: until the scope closes, or this process ends, no other of this plugin's calls has
     * it. Waits ten seconds at most, then fails with ETIMEDOUT.
     */
    readonly lock: (netns: Netns) => Effect.Effect<void, NetnsError, Scope.Scope>
    /** `sysctl <key>` inside the namespace, with `/` between parts: `net/ipv4/conf/net1/arp_notify`. Trimmed. */
    readonly sysctlGet: (netns: Netns, key: string) => Effect.Effect<string, NetnsError>
    /** `sysctl -w <key>=<value>` inside the namespace. */
    readonly sysctlSet: (netns: Netns, key: string, value: string) => Effect.Effect<void, NetnsError>
  }
>()("macvtap-cni/services/NetnsService") {}
