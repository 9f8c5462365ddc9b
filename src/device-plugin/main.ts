/**
 * `macvtap device-plugin`: the daemon on the real node. Loaded only when it is asked for, since a CNI call must not pay for
 * gRPC.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import type { Surroundings } from "../command/Command.ts"
import { hardwareLive } from "../live/device/HardwareLive.ts"
import { reservationLive } from "../live/device/ReservationLive.ts"
import { tapLive } from "../live/device/TapLive.ts"
import { linkMonitorLive } from "../live/netlink/LinkMonitorLive.ts"
import { netlinkLive } from "../live/netlink/NetlinkLive.ts"
import { netnsLive } from "../live/netns/NetnsLive.ts"
import { giveBackMemory, residentMemory } from "../live/system/memory.ts"
import type { Address } from "../observe/address.ts"
import { type ListenError, serveHttp } from "../observe/http.ts"
import { statusLive } from "../observe/Status.ts"
import { LogService } from "../services/LogService.ts"
import type { Options } from "./command.ts"
import { configVariable } from "./config/Config.ts"
import { configFromEnvironment, configFromFile } from "./config/ConfigSource.ts"
import { runDaemon } from "./Daemon.ts"
import { describeFault } from "./describeFault.ts"
import { endpointServerLive } from "./endpoint/EndpointServerLive.ts"
import { kubeletLive } from "./kubelet/KubeletLive.ts"
import { refreshAllotted } from "./observe/allotted.ts"

/** The netlink conversation, at level debug, goes where the daemon's own words go. */
const logLive = Layer.succeed(LogService, {
  log: (level, line) =>
    Effect.suspend(() => {
      const log = { debug: Effect.logDebug, info: Effect.logInfo, warning: Effect.logWarning, error: Effect.logError }
      return log[level](line())
    })
})

const quiet = Layer.succeed(LogService, { log: () => Effect.void })

const layer = (options: Options, env: Surroundings["env"]) => {
  const kernel = Layer.mergeAll(
    netlinkLive,
    tapLive,
    reservationLive({ stateFolder: options.state }),
    hardwareLive()
  ).pipe(Layer.provide(options.level === "Debug" ? logLive : quiet), Layer.provideMerge(netnsLive))
  return Layer.mergeAll(
    options.config === undefined ? configFromEnvironment(env[configVariable]) : configFromFile(options.config),
    kubeletLive({ folder: options.kubelet }),
    endpointServerLive,
    statusLive,
    NodeFileSystem.layer,
    linkMonitorLive()
  ).pipe(Layer.provideMerge(kernel))
}

const daemon = Effect.fnUntraced(function* (options: Options) {
  if (options.listen !== undefined) yield* listen(options.listen)
  yield* Effect.logInfo("the device plugin starts").pipe(Effect.annotateLogs({ ...options }))
  yield* Effect.addFinalizer(() => Effect.logInfo("the device plugin ends"))
  yield* Effect.forkScoped(keepSmall)
  return yield* runDaemon(options.state, options.checksOwner)
}, Effect.scoped)

/** Bytes: an idle daemon takes some 58 MiB, most of them pages of the executable that only its start has read. */
const enough = 68 * 1024 * 1024

/** Looks often whether memory is to be given back: an engine would keep what a flood once made it take, and take more. */
const keepSmall = Effect.try(() => {
  if (residentMemory() > enough) giveBackMemory()
}).pipe(Effect.ignore, Effect.repeat(Schedule.spaced("100 millis")))

/** The address may be that of the device plugin from which this one takes over: then it is had when that one has ended. */
const listen = Effect.fn("listen")(function* (address: Address) {
  const serve = serveHttp(address, yield* refreshAllotted)
  const later = Effect.retry(serve, { while: isInUse, schedule: Schedule.spaced("500 millis") })
  yield* Effect.catchIf(serve, isInUse, ({ problem }) =>
    Effect.andThen(
      Effect.logWarning(`--listen ${address.host}:${address.port}: ${problem}; trying again until it is free`),
      Effect.forkScoped(Effect.ignore(later))
    )
  )
})

const isInUse = ({ problem }: ListenError): boolean => /EADDRINUSE|in use/.test(problem)

const internal = "internal error, a fault of macvtap; please report it"

/** Runs until it is interrupted, and gives the exit status: 0 after a signal, 1 where it could not start. */
export const runDevicePlugin = (
  options: Options,
  { env, log }: Pick<Surroundings, "env" | "log">
): Effect.Effect<number> => {
  const json = Logger.make((entry) => log(`${Logger.formatJson.log(entry)}\n`))
  const logs = Layer.merge(Logger.layer([json]), Layer.succeed(References.MinimumLogLevel, options.level))
  // A signal interrupts the daemon, not the telling of how it ended.
  return Effect.uninterruptibleMask((interruptible) =>
    interruptible(daemon(options).pipe(Effect.provide(layer(options, env)))).pipe(
      Effect.as(0),
      Effect.catchTag("ConfigError", (error) => Effect.as(Effect.logFatal(error.message), 1)),
      Effect.catchTag("ListenError", (error) =>
        Effect.as(Effect.logFatal(`--listen ${error.address}: ${error.problem}`), 1)
      ),
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.succeed(0)
          : Effect.as(Effect.logFatal(`${internal}: ${describeFault(Cause.squash(cause))}`), 1)
      ),
      Effect.provide(logs)
    )
  )
}
