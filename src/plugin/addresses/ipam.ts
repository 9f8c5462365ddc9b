/**
 * Address management, delegated: whatever `ipam.type` names is run as a CNI plugin with the very bytes that we were given
 * (SPEC "Delegated plugin execution").
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { parseErrorDocument } from "../../cni/call/errorDocument.ts"
import type { Ipam } from "../../cni/config/ipam.ts"
import { parseResult } from "../../cni/result/decodeResult.ts"
import { carrier, traced, tracedRollback } from "../../observe/span.ts"
import { type DelegateError, DelegateService } from "../../services/DelegateService.ts"
import { LogService } from "../../services/LogService.ts"
import { ConfigService } from "../ConfigService.ts"
import { toCniError } from "../errors.ts"
import { didNothing, outdated } from "./outdated.ts"

type DelegatedCommand = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS"

/** Milliseconds. A DHCP exchange takes seconds; a plugin that hangs must not hang the pod's start for minutes. */
const timeLimit = 30_000

/** Milliseconds. A release that hangs must not double the wait. */
const releaseTimeLimit = 10_000

/** CHECK, STATUS, DEL: no answer but success or an error. Nothing where no IPAM is configured. */
export const ipamForward = (command: "CHECK" | "STATUS" | "DEL") =>
  ConfigService.use(({ network }) => (network.ipam === undefined ? Effect.void : Effect.asVoid(run(command))))

/** GC goes on where the delegate is too old to know it: it keeps what it has, as it always did. */
export const ipamCollect = Effect.gen(function* () {
  const { network } = yield* ConfigService
  const { log } = yield* LogService
  yield* ask("GC").pipe(
    Effect.catch((error) => {
      const refusal = outdated(error, network.cniVersion)
      return refusal === undefined ? Effect.fail(passUp(error)) : log("info", () => `nothing collected: ${refusal.msg}`)
    })
  )
})

/**
 * The addresses and routes of the attachment, released again when the scope fails. A delegate whose ADD failed or was
 * interrupted may have reserved something: it gets a DEL too (SPEC, "if ADD fails").
 */
export const ipamAdd = Effect.fnUntraced(function* ({ type }: Ipam) {
  const { network } = yield* ConfigService
  const { log } = yield* LogService
  let untouched = false
  yield* Effect.addFinalizer((exit) =>
    Exit.isSuccess(exit) || untouched
      ? Effect.void
      : run("DEL", releaseTimeLimit).pipe(
          Effect.catch((error) => log("error", () => `could not release the addresses: ${error.msg}`)),
          tracedRollback("addresses")
        )
  )
  const stdout = yield* ask("ADD").pipe(
    Effect.mapError((error) => {
      untouched = didNothing(error, network.cniVersion)
      return outdated(error, network.cniVersion) ?? passUp(error)
    })
  )
  const result = yield* parseResult(stdout, network.cniVersion).pipe(
    Effect.mapError((error) => new CniError({ code: error.code, msg: `IPAM plugin "${type}": ${error.message}` }))
  )
  if (result.ips.length === 0) {
    return yield* new CniError({
      code: codes.internal,
      msg: "IPAM plugin returned missing IP config",
      details: `"${type}" succeeded without giving an address`
    })
  }
  return result
})

/** Its stdout, or its error as the caller's. */
const run = Effect.fnUntraced(function* (command: DelegatedCommand, timeout?: number) {
  const { network } = yield* ConfigService
  return yield* Effect.mapError(ask(command, timeout), (error) => outdated(error, network.cniVersion) ?? passUp(error))
})

/** Its stdout; empty where no IPAM is configured. */
const ask = Effect.fnUntraced(function* (command: DelegatedCommand, timeout = timeLimit) {
  const { network, delegates } = yield* ConfigService
  if (network.ipam === undefined) return ""
  const { type } = network.ipam
  const { run } = yield* DelegateService
  const started = Effect.flatMap(carrier, (trace) =>
    run({
      type,
      path: delegates.path,
      env: { ...delegates.env, ...trace, CNI_COMMAND: command },
      stdin: network.stdin,
      timeout
    })
  )
  return yield* started.pipe(traced(`IPAM ${type} ${command}`, { "ipam.type": type, "ipam.command": command }))
})

/** The delegate's own error object goes up unchanged: its words are what the user needs. */
const passUp = (error: DelegateError): CniError =>
  (error._tag === "DelegateFailed" ? parseErrorDocument(error.stdout) : undefined) ?? toCniError(error)
