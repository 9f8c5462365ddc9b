/** One CNI call: from an invocation (environment, stdin) to an answer (stdout, exit status). Nothing here is a process. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { answerVersion } from "../cni/call/answerVersion.ts"
import { readCniArgs } from "../cni/call/CniArgs.ts"
import { CniError, codes, errorDocument } from "../cni/call/CniError.ts"
import { type Environment, readEnvironment } from "../cni/call/Environment.ts"
import { type Invocation, readStdin } from "../cni/call/Invocation.ts"
import { aboutText, versionDocument } from "../cni/call/version.ts"
import { lenientLinkConf, readLinkConf } from "../cni/config/LinkConf.ts"
import { type NetConf, readNetConf } from "../cni/config/NetConf.ts"
import { readPrevResult } from "../cni/config/prevResult.ts"
import type { DelegateService } from "../services/DelegateService.ts"
import type { LogLevel, LogService } from "../services/LogService.ts"
import type { NetlinkService } from "../services/NetlinkService.ts"
import type { NetnsService } from "../services/NetnsService.ts"
import type { ReservationService } from "../services/ReservationService.ts"
import type { TapService } from "../services/TapService.ts"
import { ConfigService } from "./ConfigService.ts"
import { add } from "./commands/add.ts"
import { check } from "./commands/check.ts"
import { del } from "./commands/del.ts"
import { gc } from "./commands/gc.ts"
import { status } from "./commands/status.ts"
import { type ServiceError, toCniError } from "./errors.ts"

/** What the commands need of the machine: the live layer in production, the in-memory kernel in tests. */
export type Machine = NetlinkService | NetnsService | TapService | ReservationService | DelegateService | LogService

/** What the configuration says of the log; lines carry the container ID. */
export interface LogSettings {
  readonly file?: string
  readonly level?: LogLevel
  readonly containerID: string
}

export interface Host {
  readonly machine: (log: LogSettings) => Layer.Layer<Machine> | Context.Context<Machine>
  /** Writes the whole text to stdout. A failure (closed, full) is the call's failure: what ADD made is taken back. */
  readonly deliver: (stdout: string) => Effect.Effect<void, CniError>
  /** For people; best effort. */
  readonly tell: (stderr: string) => Effect.Effect<void>
}

/** Succeeds with the document for stdout, or with nothing to say. */
type Command = Effect.Effect<unknown, CniError | ServiceError, ConfigService | Machine | Scope.Scope>

const commands: Record<"ADD" | "DEL" | "CHECK" | "GC" | "STATUS", Command> = {
  ADD: add,
  DEL: del,
  CHECK: check,
  GC: gc,
  STATUS: status
}

/** ADD and CHECK depend on the whole configuration; DEL and GC must not fail on what they do not need. */
const readConfig = Effect.fnUntraced(function* (environment: Environment, network: NetConf, env: Invocation["env"]) {
  const { command, attachment } = environment
  const strict = command === "ADD" || command === "CHECK"
  const args = yield* readCniArgs(strict ? environment.args : "")
  const prevResult = strict ? yield* readPrevResult(network) : undefined
  return ConfigService.of({
    network,
    attachment,
    link: strict || command === "STATUS" ? yield* readLinkConf(network, args) : lenientLinkConf(network),
    delegates: { path: environment.path, env },
    netnsOverride: environment.netnsOverride,
    ...(prevResult === undefined ? {} : { prevResult })
  })
})

/** Runs the command and delivers its answer, in one scope: an ADD whose answer cannot be delivered is taken back. */
const perform = Effect.fnUntraced(function* (
  host: Host,
  environment: Environment,
  network: NetConf,
  env: Invocation["env"]
) {
  const config = yield* readConfig(environment, network, env)
  const { containerID } = environment.attachment
  const machine = host.machine({
    containerID,
    ...(network.logFile === undefined ? {} : { file: network.logFile }),
    ...(network.logLevel === undefined ? {} : { level: network.logLevel })
  })
  yield* commands[environment.command as keyof typeof commands].pipe(
    Effect.mapError(toCniError),
    Effect.flatMap((document) => (typeof document === "string" ? host.deliver(document) : Effect.void)),
    Effect.scoped,
    Effect.provideService(ConfigService, config),
    // The same word, of which TypeScript knows two.
    (command) => (Context.isContext(machine) ? Effect.provide(command, machine) : Effect.provide(command, machine))
  )
})

/** Every way a call can end badly, as the one error object that CNI knows. Never a stack trace. */
const asCniError = (cause: Cause.Cause<CniError>): CniError => {
  const failure = cause.reasons.find(Cause.isFailReason)
  if (failure !== undefined) return failure.error
  const defect = cause.reasons.find(Cause.isDieReason)?.defect
  if (defect === undefined) {
    return new CniError({
      code: codes.tryAgainLater,
      msg: "the call was stopped by a signal",
      details: "what an ADD had made was taken back; any call can be made again"
    })
  }
  return new CniError({
    code: codes.internal,
    msg: `internal error: ${defect instanceof Error ? defect.message : String(defect)}`,
    details: "this is a fault of the plugin; please report it"
  })
}

/** Answers one call and returns its exit status. Interruption stops the work and takes it back, never the answer. */
export const call = (host: Host, invocation: Invocation): Effect.Effect<0 | 1> =>
  Effect.uninterruptibleMask((interruptible) =>
    Effect.gen(function* () {
      const { program, env } = invocation
      let stdin = ""
      const work = Effect.gen(function* () {
        const environment = yield* readEnvironment(env)
        if (environment === undefined) return yield* host.tell(aboutText(program))
        if (environment.command === "VERSION") return yield* host.deliver(versionDocument)
        stdin = yield* readStdin(invocation)
        const network = yield* readNetConf(program, environment.command, stdin)
        yield* perform(host, environment, network, env)
      })
      const exit = yield* Effect.exit(interruptible(work))
      if (Exit.isSuccess(exit)) return 0
      const error = asCniError(exit.cause)
      yield* host.deliver(errorDocument(error, answerVersion(stdin))).pipe(
        // Nobody reads stdout: the words go to whoever reads stderr.
        Effect.catch(() => host.tell(`${error.details === undefined ? error.msg : `${error.msg}; ${error.details}`}\n`))
      )
      return 1
    })
  )
