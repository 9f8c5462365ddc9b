/** Where the configuration comes from: the environment, once, or a file that is read again when it changes. */
import { dirname } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { readBounded } from "../../devices/readBounded.ts"
import { type Config, ConfigError, configVariable } from "./Config.ts"
import { longestConfig, parseConfig } from "./parseConfig.ts"
import { watchFolder } from "./watchFolder.ts"

/** Milliseconds without a change. */
const settled = 100

export class ConfigSource extends Context.Service<
  ConfigSource,
  {
    readonly read: Effect.Effect<Config, ConfigError>
    /** Emits when what `read` gives may have changed. */
    readonly changes: Stream.Stream<void>
  }
>()("macvtap-cni/device-plugin/ConfigSource") {}

const parse = Effect.fn("config.parse")(function* (source: string, text: string) {
  const { config, remarks } = yield* Effect.fromResult(parseConfig(source, text))
  for (const remark of remarks) yield* Effect.logWarning(`${source}: ${remark}`)
  return config
})

/** The array itself, as kubevirt/macvtap-cni has it. */
export const configFromEnvironment = (value: string | undefined): Layer.Layer<ConfigSource> =>
  Layer.succeed(ConfigSource, {
    read:
      value === undefined
        ? new ConfigError({
            source: configVariable,
            problems: [
              "is not set; set it to a JSON array of resources, or to [] for one for every physical link and bond; or give --config FILE"
            ]
          })
        : parse(configVariable, value),
    changes: Stream.empty
  })

/**
 * A file, such as a ConfigMap's: there the kubelet swaps a symbolic link beside it, so what is watched is the folder. The
 * same text again is no change.
 */
export const configFromFile = (path: string): Layer.Layer<ConfigSource> =>
  Layer.sync(ConfigSource, () => {
    const text = Effect.suspend(() => {
      const read = readBounded(path, longestConfig)
      const words = Result.isFailure(read) ? read.failure : "is not there"
      return Result.isSuccess(read) && read.success !== undefined
        ? Effect.succeed(read.success)
        : new ConfigError({ source: path, problems: [words] })
    })
    return {
      read: Effect.flatMap(text, (words) => parse(path, words)),
      changes: watchFolder(dirname(path)).pipe(
        // Not while it is being written.
        Stream.debounce(settled),
        Stream.mapEffect(() => Effect.result(text)),
        Stream.map((read) => (Result.isSuccess(read) ? read.success : read.failure.message)),
        Stream.changes,
        Stream.map(() => undefined)
      )
    }
  })
