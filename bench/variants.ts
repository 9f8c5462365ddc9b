/**
 * Executables to compare with, built as dist/macvtap is, by the same bundler with the same flags. Each is the plugin's own
 * source with an import turned elsewhere, so that what is not meant to differ cannot.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { architectures, isArchitecture, packageFolder } from "../scripts/build/packages.ts"
import { must } from "../test/lab/run.ts"

/** `text` with each of the replacements made once; throws where the source has changed and one finds nothing. */
const replaced = (file: string, text: string, replacements: ReadonlyArray<readonly [string, string]>): string =>
  replacements.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)} any more`)
    return before.replace(from, () => to)
  }, text)

interface Source {
  /** Below the project's folder. */
  readonly file: string
  readonly replacements: ReadonlyArray<readonly [string, string]>
}

/** Copies sources below `folder`; their relative imports lead to the project's files, or to copies. */
const copySources = (root: string, folder: string, sources: ReadonlyArray<Source>): void => {
  for (const { file, replacements } of sources) {
    const text = replaced(file, readFileSync(join(root, file), "utf8"), replacements)
    const absolute = text.replace(/(from |import |import\()"(\.[^"]*)"/g, (_, before: string, path: string) => {
      const target = join(dirname(file), path)
      const copied = sources.some((source) => source.file === target)
      return `${before}${JSON.stringify(join(copied ? folder : root, target))}`
    })
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), absolute)
  }
}

const layerWith = (netlink: string): Source => ({
  file: "src/live/layer.ts",
  replacements: [['"./netlink/NetlinkLive.ts"', `"../../bench/variants/${netlink}.ts"`]]
})

/** What stands between the executable's beginning and the services of a call, alone and in an agent. */
const fromMainToCall = [
  "src/main.ts",
  "src/commands.ts",
  "src/agent/command.ts",
  "src/agent/main.ts",
  "src/agent/serve.ts",
  "src/agent/connections.ts",
  "src/agent/call.ts"
]

const variants = {
  empty: [],
  markedEmpty: [],
  /** Creates on the host and moves. */
  moving: [...fromMainToCall.map((file) => ({ file, replacements: [] })), layerWith("moving")],
  /** Tells on stderr when it was where. */
  marked: [
    {
      file: "src/main.ts",
      replacements: [
        ["import { call }", 'import { mark, tell } from "../bench/variants/marks.ts"\nimport { call }'],
        ["\nconst services =", '\nmark("modules evaluated")\nconst services ='],
        [
          "fiber.addObserver((exit) => {",
          'fiber.addObserver((exit) => {\n  mark("answered")\n  process.on("exit", tell)'
        ]
      ]
    },
    layerWith("timedNetlink")
  ]
} satisfies Record<string, ReadonlyArray<Source>>

export type Variant = keyof typeof variants

/** Builds the variant in `folder`, which must be below the project's folder, and gives the executable's path. */
export const buildVariant = async (root: string, folder: string, variant: Variant): Promise<string> => {
  const arch = isArchitecture(process.arch) ? process.arch : undefined
  if (arch === undefined) throw new Error(`no Bun for ${process.arch}`)
  const runtime = join(packageFolder(root, `@oven/bun-linux-${architectures[arch].bun}`), "bin/bun")
  const koffi = join(packageFolder(root, `@koromix/koffi-linux-${arch}`), `linux_${arch}/koffi.node`)
  const sources = join(folder, variant)
  copySources(root, sources, variants[variant])
  const whole = variants[variant].length === 0
  const entry = whole ? join(root, `bench/variants/${variant}.ts`) : join(sources, "src/main.ts")
  const out = join(folder, `macvtap-${variant}`)
  const own = variants[variant].some(({ file }) => file === "src/commands.ts")
  const commands = join(own ? sources : root, "src/commands.ts")
  const plan = { root, entry, commands, target: arch, runtime, koffi, out }
  await must(runtime, [join(root, "scripts/build/bundle.ts"), JSON.stringify(plan)], { timeout: 120_000 })
  return out
}
