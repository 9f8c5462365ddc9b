/** One call of a client's: from what was handed over to the last word. What it does is plugin/call.ts, as for any call. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { CniError, codes, errorDocument } from "../cni/call/CniError.ts"
import { StdinError } from "../cni/call/Invocation.ts"
import { newestVersion } from "../cni/call/version.ts"
import { servicesFor } from "../live/layer.ts"
import { SystemError } from "../live/system/errno.ts"
import type { Poller } from "../live/system/poller.ts"
import { rootAt } from "../live/system/root.ts"
import type { Whereabouts } from "../live/whereabouts.ts"
import { tracedArrival } from "../observe/span.ts"
import { call } from "../plugin/call.ts"
import { AnswerLost, type CallerService } from "../services/CallerService.ts"
import { errnoName } from "../wire/errno.ts"
import type { Client } from "./conversation/Client.ts"
import type { Opening } from "./conversation/conversation.ts"
import type { Handed } from "./conversation/handed.ts"
import type { Gate } from "./limits.ts"
import { callerOf } from "./observe/telemetry.ts"

export interface Call {
  readonly client: Client
  readonly opening: Extract<Opening, { readonly _tag: "Call" }>
  readonly handed: Handed
}

/** What all calls of an agent share. */
export interface Resident {
  readonly gate: Gate
  readonly poller: Poller
  /** The folder of the kernel's settings. */
  readonly sysctls: string
}

/** Answers the call, to the client's end or ours. To be interrupted by `client.stop` alone. */
export const answer = (asked: Call, resident: Resident): Effect.Effect<void> => {
  const { client, opening, handed } = asked
  const { gate } = resident
  const { seconds } = gate.limits
  let spoken = false
  const caller: CallerService["Service"] = {
    answer: (text, status) => {
      spoken = true
      return Effect.mapError(
        client.deliver(text, status),
        (errno) => new AnswerLost({ reason: errno === "EBADF" ? "it is closed" : errno })
      )
    },
    tell: (text) => Effect.sync(() => client.tell(text)),
    // Who has been told to stop the call must not hear that it is done.
    done: Effect.sync(() => client.stopped() === undefined && client.end(0)),
    heed: Effect.sync(client.heed),
    whyStopped: () => {
      const reason = client.stopped()
      if (reason === undefined) return "the agent ends before the call is done"
      return reason === "time limit" ? `the call was not done within ${seconds} seconds` : undefined
    }
  }
  const refuse = (error: CniError): Effect.Effect<1> =>
    caller.answer(errorDocument(error, newestVersion), 1).pipe(
      Effect.catch(() => Effect.sync(() => client.tell(`${error.message}\n`))),
      Effect.as(1)
    )
  const work = call({
    program: opening.program,
    env: handed.env,
    stdin: Effect.fromResult(
      opening.stdinErrno === 0
        ? Result.mapError(handed.stdin, (message) => new StdinError({ message }))
        : Result.fail(new StdinError({ message: errnoName(opening.stdinErrno) }))
    )
  }).pipe(Effect.provide(servicesFor(caller, client.tell, placeOf(asked, resident))))
  return Effect.suspend(() => {
    const timer = setTimeout(() => client.stop("time limit"), seconds * 1000)
    const passed = gate.pass(
      Effect.interruptible(work),
      Effect.suspend(() => refuse(full(gate)))
    )
    return Effect.flatMap(Effect.exit(tracedArrival("answer a client", callerOf(handed.env))(passed)), (exit) => {
      clearTimeout(timer)
      const end = Effect.sync(() => client.end(exit._tag === "Success" ? exit.value : 1))
      // Interrupted where nothing has begun, among those that wait.
      return spoken || exit._tag === "Success"
        ? end
        : Effect.andThen(refuse(stoppedWaiting(caller.whyStopped?.())), end)
    })
  }).pipe(Effect.uninterruptible)
}

/** Where the client is: its network namespace, its root directory, and what only its own process may open. */
const placeOf = ({ client, opening, handed }: Call, { poller, sysctls }: Resident): Whereabouts => ({
  root: rootAt(handed.root),
  netns: handed.netns,
  opened: (path) => {
    if (path !== handed.env["CNI_NETNS"]) return undefined
    if (opening.netnsErrno !== 0) throw new SystemError("open", errnoName(opening.netnsErrno))
    return handed.container
  },
  sysctls,
  start: client.start,
  resident: poller
})

const stoppedWaiting = (why = "the call was stopped by a signal"): CniError =>
  new CniError({ code: codes.tryAgainLater, msg: why, details: "it had not begun; any call can be made again" })

const full = ({ limits }: Gate): CniError =>
  new CniError({
    code: codes.tryAgainLater,
    msg: `the agent has ${limits.running} calls to answer, and ${limits.waiting} that wait`,
    details: `it takes no more at once; try again, or give it more room ("macvtap agent --calls", "--waiting")`
  })
