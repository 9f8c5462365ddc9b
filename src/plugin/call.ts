/** One CNI call: from an invocation (environment, stdin) to an answer (stdout, exit status). Nothing here is a process. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { answerVersion } from "../cni/call/answerVersion.ts"
import { type CniArgs, readCniArgs } from "../cni/call/CniArgs.ts"
import { CniError, codes, errorDocument } from "../cni/call/CniError.ts"
import { type Environment, readEnvironment } from "../cni/call/Environment.ts"
import { type Invocation, readStdin } from "../cni/call/Invocation.ts"
import { aboutText, versionDocument } from "../cni/call/version.ts"
import { lenientLinkConf, readLinkConf } from "../cni/config/LinkConf.ts"
import { type NetConf, readNetConf } from "../cni/config/NetConf.ts"
import { readPrevResult } from "../cni/config/prevResult.ts"
import { type Attributes, annotateCall, traced, tracedCall, traceId } from "../observe/span.ts"
import { CallerService } from "../services/CallerService.ts"
import type { DelegateService } from "../services/DelegateService.ts"
import { LogOpener, LogService, type LogSettings } from "../services/LogService.ts"
import type { NetlinkService } from "../services/NetlinkService.ts"
import type { NetnsService } from "../services/NetnsService.ts"
import type { PolicyService } from "../services/PolicyService.ts"
import type { ReservationService } from "../services/ReservationService.ts"
import type { TapService } from "../services/TapService.ts"
import { escapeText, shorten } from "../wire/foreign.ts"
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
        const config = yield* readNetConf(program, environment.command, stdin).pipe(
          Effect.flatMap((network) => readConfig(environment, network, env)),
          traced("read the configuration")
        )
        yield* annotateCall(ofNetwork(config))
        yield* perform(environment.command as keyof typeof commands, config)
      }).pipe(Effect.mapError(toCniError))
      const outcome = yield* interruptible(work).pipe(
        Effect.catchCause((cause) => inTrace(asCniError(cause, caller))),
        tracedCall(`CNI ${commandOf(env)}`, attributesOf(invocation)),
        Effect.result
      )
      if (outcome._tag === "Success") return 0
      const error = outcome.failure
      yield* caller.answer(errorDocument(error, answerVersion(stdin)), 1).pipe(
        // Nobody takes the answer: the words go to whoever listens to people's.
        Effect.catch(() => caller.tell(`${escapeText(error.message)}\n`))
      )
      return 1
    })
  )

/** What is known of a call before anything of it is read: nothing of it is to be trusted, and any of it may be missing. */
const attributesOf = ({ program, env }: Invocation): Attributes => {
  const attributes: Record<string, string> = { "cni.command": commandOf(env), "cni.plugin": shorten(program, 200) }
  const tell = (name: string, value: string | undefined): void => {
    if (value !== undefined) attributes[name] ??= shorten(value, 200)
  }
  tell("container.id", env["CNI_CONTAINERID"])
  tell("network.interface.name", env["CNI_IFNAME"])
  for (const pair of (env["CNI_ARGS"] ?? "").split(";", mostArguments)) {
    const cut = pair.indexOf("=")
    const name = cut < 0 ? undefined : toldArguments.get(pair.slice(0, cut))
    if (name !== undefined) tell(name, pair.slice(cut + 1))
  }
  return attributes
}

/** Of CNI_ARGS, what a call's trace and log tell. */
const toldArguments = new Map([
  ["K8S_POD_NAME", "k8s.pod.name"],
  ["K8S_POD_NAMESPACE", "k8s.namespace.name"],
  ["K8S_POD_UID", "k8s.pod.uid"]
])
/** Pairs that are looked at: how long CNI_ARGS is, its author chooses. */
const mostArguments = 64

const commandOf = (env: Invocation["env"]): string => {
  const command = env["CNI_COMMAND"] ?? ""
  return Object.hasOwn(commands, command) || command === "VERSION" ? command : "unknown"
}

/** The error, with the ID of the trace that is being recorded behind its details: it leads a node's owner to the rest. */
const inTrace = Effect.fnUntraced(function* (error: CniError) {
  yield* annotateCall({ "cni.error.code": error.code, "error.type": `cni.${error.code}` })
  const trace = yield* traceId
  if (trace === undefined) return yield* error
  const details = error.details === undefined ? `trace ${trace}` : `${error.details}; trace ${trace}`
  return yield* new CniError({ code: error.code, msg: error.msg, details })
})

/** ADD and CHECK depend on the whole configuration; DEL and GC must not fail on what they do not need. */
const readConfig = Effect.fnUntraced(function* (environment: Environment, network: NetConf, env: Invocation["env"]) {
  const { command, attachment } = environment
  const strict = command === "ADD" || command === "CHECK"
  const args = yield* strict
    ? readCniArgs(environment.args)
    : Effect.catch(readCniArgs(environment.args), () => Effect.succeed({} as CniArgs))
  const prevResult = yield* strict
    ? readPrevResult(network)
    : Effect.orElseSucceed(readPrevResult(network), () => undefined)
  return ConfigService.of({
    network,
    attachment,
    ...(args.podUid === undefined ? {} : { podUid: args.podUid }),
    link: strict || command === "STATUS" ? yield* readLinkConf(network, strict ? args : {}) : lenientLinkConf(network),
    delegates: { path: environment.path, env },
    netnsOverride: environment.netnsOverride,
    ...(args.podNamespace === undefined ? {} : { podNamespace: args.podNamespace }),
    ...(prevResult === undefined ? {} : { prevResult })
  })
})

const ofNetwork = ({ network, link }: ConfigService["Service"]): Attributes => ({
  "cni.network.name": network.name,
  "cni.version": network.cniVersion,
  "link.kind": network.kind.kind,
  ...(link.master === undefined ? {} : { "link.master": link.master }),
  ...(link.deviceID === undefined ? {} : { "link.device": link.deviceID })
})

/**
 * Runs the command and delivers its answer, in one scope: an ADD whose answer cannot be delivered is taken back, and its log
 * is open until it has been. What has no answer is done when all that its caller asked for is.
 */
const perform = Effect.fnUntraced(function* (command: keyof typeof commands, config: ConfigService["Service"]) {
  const caller = yield* CallerService
  const log = yield* (yield* LogOpener).open(logSettings(config))
  yield* commands[command].pipe(
    Effect.flatMap((document) =>
      typeof document === "string" ? caller.answer(document, 0) : (caller.done ?? Effect.void)
    ),
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
