/** The agent from its start to its end: listens, attends to who connects, and finishes what it has when it is told to end. */
import { closeSync } from "node:fs"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Result from "effect/Result"
import { ToolError } from "../command/Command.ts"
import { isStranded, rehearse } from "../live/netns/enter.ts"
import { makePoller, type Poller } from "../live/system/poller.ts"
import { mountProc } from "../live/system/proc.ts"
import type { NetlinkService } from "../services/NetlinkService.ts"
import type { NetnsService } from "../services/NetnsService.ts"
import { type Attended, acceptAll } from "./connections.ts"
import type { Gate } from "./limits.ts"
import { listen } from "./listener.ts"
import { statusOf } from "./status.ts"

export interface AgentOptions {
  readonly socket: string
  readonly gate: Gate
}

/** The process, as far as an agent needs it. */
export interface AgentProcess {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  readonly user: number
  readonly tell: (line: string) => Effect.Effect<void>
  /** The document that answers `trace`. */
  readonly spansOf: (traceId: string) => string
}

/** Ends only by failing, or by being interrupted: then it takes no new calls, and finishes those that it has. */
export const serve = (
  { socket, gate }: AgentOptions,
  { env, pid, user, tell, spansOf }: AgentProcess
): Effect.Effect<never, ToolError, NetnsService | NetlinkService> =>
  Effect.gen(function* () {
    const broken = yield* Deferred.make<never, ToolError>()
    const fail = (problem: string): void => {
      Deferred.doneUnsafe(broken, Effect.fail(new ToolError({ problem })))
    }
    const services = yield* Effect.context<NetnsService | NetlinkService>()
    const sysctls = yield* proc
    const poller = yield* Effect.acquireRelease(
      Effect.sync(() => makePoller((reason) => fail(`nothing can be heard any more: ${reason}`))),
      (poller) => Effect.sync(poller.close)
    )
    const listener = yield* listen(socket, env, pid)
    const calls = yield* FiberSet.make<void>()
    const fork = yield* FiberSet.runtime(calls)()
    const attended: Attended = {
      gate,
      sysctls,
      poller,
      user,
      spansOf,
      silent: new Set(),
      status: Effect.map(statusOf(gate, pid, rehearse), (status) => JSON.stringify(status)).pipe(
        Effect.provide(services)
      )
    }
    const acceptThem = (): void =>
      acceptAll(listener.fd, attended, (work) => {
        fork(
          Effect.onExit(work, () => {
            if (isStranded()) fail("a thread cannot leave a network namespace")
            return Effect.void
          })
        )
      })
    const unwatch = watchListener(poller, listener.fd, acceptThem)
    yield* Effect.addFinalizer((exit) =>
      Effect.suspend(() => {
        unwatch()
        listener.withdraw()
        if (isStranded()) return Effect.void
        // For whom there is no descriptor left hears of the end by the socket's; the calls are finished all the same.
        if (!listener.handedOver) Result.try(acceptThem)
        const { running, waiting } = gate.counts()
        return tell(`ends, ${running + waiting} calls to finish first`).pipe(
          Effect.andThen(Effect.timeoutOption(FiberSet.awaitEmpty(calls), (gate.limits.seconds + lastWords) * 1000)),
          Effect.when(Effect.succeed(exit._tag === "Failure"))
        )
      })
    )
    yield* tell(`listens on ${listener.handedOver ? "the socket that it was given" : socket}`)
    return yield* Deferred.await(broken)
  }).pipe(Effect.scoped)

/** Seconds that a call may take beyond its time limit, to take back what it did. */
const lastWords = 15

/** Milliseconds to wait where there is no descriptor left for a connection. */
const pause = 100

/** Has connections accepted; where that fails for now (EMFILE), again a little later. */
const watchListener = (poller: Poller, fd: number, acceptThem: () => void): (() => void) => {
  let unwatch: () => void
  let timer: ReturnType<typeof setTimeout> | undefined
  const watch = (): void => {
    unwatch = poller.watch(fd, () => {
      try {
        acceptThem()
      } catch {
        unwatch()
        timer = setTimeout(watch, pause)
      }
    })
  }
  watch()
  return () => {
    clearTimeout(timer)
    unwatch()
  }
}

/** A proc of our own, since that of a container is one that cannot be written to, and a client's root may have none. */
const proc = Effect.acquireRelease(
  Effect.sync(() => mountProc()),
  (mount) => Effect.sync(() => mount !== undefined && closeSync(mount))
).pipe(Effect.map((mount) => (mount === undefined ? "/proc/sys" : `/proc/self/fd/${mount}/sys`)))
