/** The reference plugins of their newest release, for whoever wants to see himself beside them or with them. */
import { lacksGo } from "./needs.ts"
import { build, isBuilt, type Part, part } from "./parts.ts"

/**
 * The plugins (`macvlan`, `host-local`, `static`, `tuning`, …) and `cnitool`, built where they are not there yet, which takes
 * a minute or two and the module proxy: their `folder`, and their `version` (`v1.10.0`). A text says why they cannot be had.
 */
export const newestPlugins = async (): Promise<Part | string> => {
  const plugins = part("plugins")
  if (isBuilt(plugins)) return plugins
  const [lack] = lacksGo()
  if (lack !== undefined) return `the reference plugins ${plugins.version} are not built, and need ${lack}`
  return build("plugins").catch((error: Error) => error.message)
}
