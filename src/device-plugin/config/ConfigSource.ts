/** Where the configuration comes from: the environment, once, or a file that is read again when it changes. */
import { readFileSync } from "node:fs"
import { dirname } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { type Config, ConfigError, configVariable } from "./Config.ts"
import { parseConfig } from "./parseConfig.ts"
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
        : Effect.fromResult(parseConfig(configVariable, value)),
    changes: Stream.empty
  })

/**
 * A file, such as a ConfigMap's: there the kubelet swaps a symbolic link beside it, so what is watched is the folder. The
 * same text again is no change.
 */
export const configFromFile = (path: string): Layer.Layer<ConfigSource> =>
  Layer.sync(ConfigSource, () => {
    const text = Effect.try({
      try: () => readFileSync(path, "utf8"),
      catch: (error) =>
        new ConfigError({
          source: path,
          problems: [`cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`]
        })
    })
    return {
      read: Effect.flatMap(text, (words) => Effect.fromResult(parseConfig(path, words))),
      changes: watchFolder(dirname(path)).pipe(
        // Not while it is being written.
        Stream.debounce(settled),
        Stream.mapEffect(() => Effect.orElseSucceed(text, () => undefined)),
        Stream.changes,
        Stream.map(() => undefined)
      )
    }
  })
