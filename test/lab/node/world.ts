/**
 * The daemon inside the test: real sockets and files, links and devices of an in-memory kernel. What a test changes, the
 * daemon hears of as it would from the machine.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { type ConfigSource, configFromEnvironment } from "../../../src/device-plugin/config/ConfigSource.ts"
import { runDaemon } from "../../../src/device-plugin/Daemon.ts"
import { endpointServerLive } from "../../../src/device-plugin/endpoint/EndpointServerLive.ts"
import { kubeletLive } from "../../../src/device-plugin/kubelet/KubeletLive.ts"
import type { Link } from "../../../src/link/Link.ts"
import { makeKernel } from "../../../src/mock/Kernel.ts"
import { mockLayer } from "../../../src/mock/layer.ts"
import { Status, statusLive } from "../../../src/observe/Status.ts"
import { type Hardware, HardwareService, unknownHardware } from "../../../src/services/HardwareService.ts"
import { LinkMonitor } from "../../../src/services/LinkMonitor.ts"

export const card: Hardware = { ...unknownHardware, physical: true, ethernet: true, bus: "pci" }

export interface WorldOptions {
  readonly folder: string
  readonly state: string
  /** DP_MACVTAP_CONF as an object, or where the configuration comes from. */
  readonly config: ReadonlyArray<object> | Layer.Layer<ConfigSource>
  readonly links: ReadonlyArray<Link>
  readonly hardware?: Readonly<Record<string, Hardware>>
}

export interface World extends AsyncDisposable {
  readonly setLinks: (links: ReadonlyArray<Link>) => Promise<void>
  /** SIGTERM; the same as the end of the block. */
  readonly stop: () => Promise<void>
  readonly status: () => ReadonlyMap<string, { readonly well: boolean; readonly words: string }>
  /** Everything logged, as text. */
  readonly logged: ReadonlyArray<string>
}

export const startWorld = async ({ folder, state, config, links, hardware = {} }: WorldOptions): Promise<World> => {
  const ref = await Effect.runPromise(SubscriptionRef.make(links))
  const kernel = makeKernel()
  const logged: Array<string> = []
  let status: Status["Service"] | undefined
  const monitor = Layer.succeed(LinkMonitor, {
    views: SubscriptionRef.changes(ref).pipe(Stream.map((now) => ({ links: now, overruns: 0 })))
  })
  const layer = Layer.mergeAll(
    Array.isArray(config) ? configFromEnvironment(JSON.stringify(config)) : (config as Layer.Layer<ConfigSource>),
    kubeletLive({ folder }),
    endpointServerLive,
    statusLive,
    monitor,
    NodeFileSystem.layer,
    Layer.succeed(HardwareService, { hardwareOf: ({ name }) => hardware[name] ?? unknownHardware }),
    mockLayer(kernel),
    Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
  )
  const fiber = Effect.runFork(
    Effect.gen(function* () {
      status = yield* Status
      yield* runDaemon(state, true)
    }).pipe(Effect.provide(layer))
  )
  const stop = () => Effect.runPromise(Effect.asVoid(Fiber.interrupt(fiber)))
  let parts: ReadonlyMap<string, { readonly well: boolean; readonly words: string }> = new Map()
  return {
    setLinks: (next) => Effect.runPromise(SubscriptionRef.set(ref, next)),
    stop,
    status: () => {
      if (status !== undefined) parts = Effect.runSync(status.all)
      return parts
    },
    logged,
    [Symbol.asyncDispose]: stop
  }
}
