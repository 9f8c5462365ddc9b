/** One CNI call: from an invocation (environment, stdin) to an answer (stdout, exit status). Nothing here is a process. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
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
import { CallerService } from "../services/CallerService.ts"
import type { DelegateService } from "../services/DelegateService.ts"
import { LogOpener, LogService, type LogSettings } from "../services/LogService.ts"
import type { NetlinkService } from "../services/NetlinkService.ts"
import type { NetnsService } from "../services/NetnsService.ts"
import type { PolicyService } from "../services/PolicyService.ts"
import type { ReservationService } from "../services/ReservationService.ts"
import type { TapService } from "../services/TapService.ts"
import { ConfigService } from "./ConfigService.ts"
import { add } from "./commands/add.ts"
import { check } from "./commands/check.ts"
import { del } from "./commands/del.ts"
import { gc } from "./commands/gc.ts"
import { status } from "./commands/status.ts"
import { type ServiceError, toCniError } from "./errors.ts"

/** What a call needs of the machine: the live services in production, the in-memory kernel in tests. */
export type Services =
  | CallerService
  | LogOpener
  | NetlinkService
  | NetnsService
  | TapService
  | PolicyService
  | ReservationService
  | DelegateService

/** Succeeds with the document for stdout, or with nothing to say. */
type Command = Effect.Effect<unknown, CniError | ServiceError, ConfigService | Services | Scope.Scope>

const commands: Record<"ADD" | "DEL" | "CHECK" | "GC" | "STATUS", Command> = {
  ADD: add,
  DEL: del,
  CHECK: check,
  GC: gc,
  STATUS: status
}

/** Answers one call and returns its exit status. Interruption stops the work and takes it back, never the answer. */
export const call = (invocation: Invocation): Effect.Effect<0 | 1, never, Services> =>
  Effect.uninterruptibleMask((interruptible) =>
    Effect.gen(function* () {
      const { program, env } = invocation
      const caller = yield* CallerService
      let stdin = ""
      const work = Effect.gen(function* () {
        const environment = yield* readEnvironment(env)
        if (environment === undefined) return yield* caller.tell(aboutText(program))
        if (environment.command === "VERSION") return yield* caller.answer(versionDocument, 0)
        stdin = yield* readStdin(invocation)
        const network = yield* readNetConf(program, environment.command, stdin)
        const config = yield* readConfig(environment, network, env)
        yield* perform(environment.command as keyof typeof commands, config)
      }).pipe(Effect.mapError(toCniError))
      const exit = yield* Effect.exit(interruptible(work))
      if (Exit.isSuccess(exit)) return 0
      const error = asCniError(exit.cause, caller)
      yield* caller.answer(errorDocument(error, answerVersion(stdin)), 1).pipe(
        // Nobody takes the answer: the words go to whoever listens to people's.
        Effect.catch(() => caller.tell(`${error.message}\n`))
      )
      return 1
    })
  )

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
    ...(args.podNamespace === undefined ? {} : { podNamespace: args.podNamespace }),
    ...(prevResult === undefined ? {} : { prevResult })
  })
})

/** Runs the command and delivers its answer, in one scope: an ADD whose answer cannot be delivered is taken back. */
const perform = Effect.fnUntraced(function* (command: keyof typeof commands, config: ConfigService["Service"]) {
  const caller = yield* CallerService
  const log = yield* (yield* LogOpener).open(logSettings(config))
  yield* commands[command].pipe(
    Effect.flatMap((document) => (typeof document === "string" ? caller.answer(document, 0) : Effect.void)),
    Effect.scoped,
    Effect.provideService(ConfigService, config),
    Effect.provideService(LogService, log)
  )
}, Effect.scoped)

const logSettings = ({ network, attachment }: ConfigService["Service"]): LogSettings => ({
  context: attachment.containerID,
  ...(network.logFile === undefined ? {} : { file: network.logFile }),
  ...(network.logLevel === undefined ? {} : { level: network.logLevel })
})

/** Every way a call can end badly, as the one error object that CNI knows. Never a stack trace. */
const asCniError = (cause: Cause.Cause<CniError>, { whyStopped }: CallerService["Service"]): CniError => {
  const failure = cause.reasons.find(Cause.isFailReason)
  if (failure !== undefined) return failure.error
  const defect = cause.reasons.find(Cause.isDieReason)?.defect
  if (defect === undefined) {
    return new CniError({
      code: codes.tryAgainLater,
      msg: whyStopped?.() ?? "the call was stopped by a signal",
      details: "what an ADD had made was taken back; any call can be made again"
    })
  }
  return new CniError({
    code: codes.internal,
    msg: `internal error: ${defect instanceof Error ? defect.message : String(defect)}`,
    details: "this is a fault of the plugin; please report it"
  })
}
