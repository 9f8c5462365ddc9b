/** `macvtap device-plugin`, as a command: its options. What it does is evaluated only where it runs, for the sake of gRPC. */
import * as Effect from "effect/Effect"
import { makeCommand, UsageError, type Values } from "../command/Command.ts"
import { defaultKubeletFolder } from "../devices/checkpoint.ts"
import { defaultStateFolder } from "../devices/resources.ts"
import { type Address, parseAddress } from "../observe/address.ts"
import { quote } from "../wire/foreign.ts"
import { configVariable } from "./config/Config.ts"

const levels = { debug: "Debug", info: "Info", warning: "Warn", error: "Error" } as const

/** What the daemon is told. */
export interface Options {
  /** A file; the environment variable when absent. */
  readonly config?: string
  readonly kubelet: string
  readonly state: string
  /** Whether ADD gives a device only to the pod to which the kubelet gave it. */
  readonly checksOwner: boolean
  readonly listen?: Address
  readonly level: (typeof levels)[keyof typeof levels]
}

const options = {
  config: {
    type: "string",
    value: "FILE",
    path: true,
    help: `the resources, read again when the file changes (default: the environment variable ${configVariable})`
  },
  "kubelet-dir": {
    type: "string",
    value: "DIR",
    path: true,
    default: defaultKubeletFolder,
    help: "the kubelet's folder of device plugins, the same path as on the host"
  },
  "state-dir": {
    type: "string",
    value: "DIR",
    path: true,
    default: defaultStateFolder,
    help: "what survives a reboot, for the plugin's ADD; the same path as on the host"
  },
  "no-owner-check": {
    type: "boolean",
    help: "let ADD take a device for any pod, not only for the one to which the kubelet gave it"
  },
  listen: { type: "string", value: "HOST:PORT", help: "serve /healthz and /metrics there (default: nowhere)" },
  "log-level": {
    type: "string",
    value: "LEVEL",
    choices: ["debug", "info", "warning", "error"],
    default: "info",
    help: "debug, info, warning or error"
  }
} as const

export const devicePlugin = makeCommand({
  name: "device-plugin",
  summary: "run the device plugin: offer macvtaps to the kubelet as a resource",
  description: [
    "Offers macvtaps to the kubelet of this node as resources macvtap.network.kubevirt.io/NAME. The resources are a " +
      "JSON array; an empty one, [], offers every physical link and bond under its own name:",
    `  [{ "name": "dataplane", "lowerDevice": "eth0", "mode": "bridge", "capacity": 100 }]`,
    `"lowerDevice" may be a pattern or a list, of which a node takes the first link that it has; "mode" is bridge, ` +
      `vepa, private or passthru; with "standalone": true, links are made for pods without a network attachment.`
  ],
  options,
  resident: true,
  run: Effect.fnUntraced(function* (values, { env, log }) {
    const read = yield* readOptions(values)
    const { runDevicePlugin } = yield* Effect.promise(() => import("./main.ts"))
    return yield* runDevicePlugin(read, { env, log })
  })
})

/** The daemon's options from the values of the command line. */
export const readOptions = ({
  config,
  listen,
  ...rest
}: Values<typeof options>): Effect.Effect<Options, UsageError> => {
  const address = listen === undefined ? undefined : parseAddress(listen)
  return listen !== undefined && address === undefined
    ? Effect.fail(new UsageError({ problem: `--listen is ${quote(listen)}, but must be HOST:PORT` }))
    : Effect.succeed({
        kubelet: rest["kubelet-dir"],
        state: rest["state-dir"],
        checksOwner: !rest["no-owner-check"],
        level: levels[rest["log-level"]],
        ...(config === undefined ? {} : { config }),
        ...(address === undefined ? {} : { listen: address })
      })
}
