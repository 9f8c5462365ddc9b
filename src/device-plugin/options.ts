/** The command line of `macvtap device-plugin`. */
import { parseArgs } from "node:util"
import * as Result from "effect/Result"
import { defaultKubeletFolder } from "../devices/checkpoint.ts"
import { defaultStateFolder } from "../devices/resources.ts"
import { configVariable } from "./config/ConfigSource.ts"
import { type Address, parseAddress } from "./observe/http.ts"

export const levels = { debug: "Debug", info: "Info", warning: "Warn", error: "Error" } as const

export interface Options {
  /** A file; the environment variable when absent. */
  readonly config?: string
  readonly kubelet: string
  readonly state: string
  readonly listen?: Address
  readonly level: (typeof levels)[keyof typeof levels]
}

export const help = `usage: macvtap device-plugin [options]

Offers macvtaps to the kubelet of this node as resources macvtap.network.kubevirt.io/NAME.

  --config FILE       the resources, read again when the file changes
                      (default: the environment variable ${configVariable})
  --kubelet-dir DIR   the kubelet's folder of device plugins
                      (default: ${defaultKubeletFolder})
  --state-dir DIR     what survives a reboot, for the plugin's ADD; the same path as on the host
                      (default: ${defaultStateFolder})
  --listen HOST:PORT  serve /healthz and /metrics there (default: nowhere)
  --log-level LEVEL   debug, info, warning or error (default: info)
  --help              this text

The resources are a JSON array; an empty one, [], offers every physical link and bond under its own name:
  [{ "name": "dataplane", "lowerDevice": "eth0", "mode": "bridge", "capacity": 100 }]
"lowerDevice" may be a pattern or a list, of which a node takes the first link that it has; "mode" is bridge, vepa,
private or passthru; with "standalone": true, links are made for pods without a network attachment.
`

const fail = (words: string): Result.Result<never, string> => Result.fail(`${words}; see --help`)

/** What was asked, `"help"`, or what is wrong. */
export const parseOptions = (args: ReadonlyArray<string>): Result.Result<Options | "help", string> => {
  const parsed = Result.try({
    try: () =>
      parseArgs({
        args: [...args],
        options: {
          config: { type: "string" },
          "kubelet-dir": { type: "string" },
          "state-dir": { type: "string" },
          listen: { type: "string" },
          "log-level": { type: "string" },
          help: { type: "boolean", short: "h" }
        }
      }).values,
    catch: (error) => (error instanceof Error ? error.message : String(error))
  })
  if (Result.isFailure(parsed)) return fail(parsed.failure)
  const { config, listen, help: wanted, ...rest } = parsed.success
  if (wanted === true) return Result.succeed("help")
  const level = levels[(rest["log-level"] ?? "info") as keyof typeof levels]
  if (level === undefined)
    return fail(`--log-level is "${rest["log-level"]}", but must be ${Object.keys(levels).join(", ")}`)
  const address = listen === undefined ? undefined : parseAddress(listen)
  if (listen !== undefined && address === undefined) return fail(`--listen is "${listen}", but must be HOST:PORT`)
  const kubelet = (rest["kubelet-dir"] ?? defaultKubeletFolder).replace(/(.)\/+$/, "$1")
  const state = (rest["state-dir"] ?? defaultStateFolder).replace(/(.)\/+$/, "$1")
  if (!kubelet.startsWith("/") || !state.startsWith("/"))
    return fail("--kubelet-dir and --state-dir must be absolute paths")
  return Result.succeed({
    kubelet,
    state,
    level,
    ...(config === undefined ? {} : { config }),
    ...(address === undefined ? {} : { listen: address })
  })
}
