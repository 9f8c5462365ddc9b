/** Runs in Bun: bundles the sources, puts the runtime before them and koffi's native part behind. */
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { Bun, type Plugin } from "./bun.ts"
import { closeEnvironment } from "./environment.ts"

const [, , json = "{}"] = process.argv
const { root, entry, commands, target, runtime, koffi, out } = JSON.parse(json)
const native = readFileSync(koffi)
// Beside its final place, so that it can be renamed over it; under its own name, which Bun writes into it.
const folder = mkdtempSync(join(dirname(out), ".build-"))
const unfinished = join(folder, basename(out))

/** Without source maps and names, and the same bytes each time. */
const common = {
  target: "bun",
  minify: true,
  format: "esm",
  splitting: true,
  sourcemap: "none",
  define: { KOFFI_SIZE: String(native.length) }
} as const

const ownKoffi: Plugin = {
  name: "koffi",
  setup: (build) => build.onResolve({ filter: /^koffi$/ }, () => ({ path: join(root, "scripts/build/nativeKoffi.ts") }))
}

/** What a person runs, and what it loads, by its path; relative imports lead from one to the other. */
const apart = new Map<string, string>()
const folderOfApart = "/apart"

/**
 * Bundles the tools and the daemon by themselves, with copies of what they share with a CNI call: a file that both load
 * would hold whatever either needs of Effect.
 */
const bundleApart = async (): Promise<void> => {
  const { outputs } = await Bun.build({
    ...common,
    entrypoints: [commands],
    plugins: [ownKoffi]
  })
  for (const output of outputs) apart.set(join(folderOfApart, output.path), await output.text())
}

const bundledApart: Plugin = {
  name: "bundled apart",
  setup: (build) => {
    build.onResolve({ filter: /\/commands\.ts$/ }, () => ({
      path: join(folderOfApart, "commands.js"),
      namespace: "apart"
    }))
    // The files that the bundler makes of what several share lie at the top.
    build.onResolve({ filter: /\/chunk-\w+\.js$/ }, ({ path }) => ({
      path: join(folderOfApart, basename(path)),
      namespace: "apart"
    }))
    build.onLoad({ filter: /./, namespace: "apart" }, ({ path }) => ({ contents: apart.get(path) ?? "", loader: "js" }))
  }
}

try {
  await bundleApart()
  await Bun.build({
    ...common,
    entrypoints: [entry],
    bytecode: true,
    compile: {
      target: `bun-linux-${target}`,
      executablePath: runtime,
      outfile: unfinished,
      // Bun refuses to start in a working directory that was deleted, which happens to daemons that call plugins.
      execArgv: ["--cwd=/"],
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false
    },
    plugins: [ownKoffi, bundledApart]
  })
  closeEnvironment(unfinished, runtime, target)
  const page = 4096
  truncateSync(unfinished, Math.ceil(statSync(unfinished).size / page) * page)
  appendFileSync(unfinished, native)
  chmodSync(unfinished, 0o755)
  renameSync(unfinished, out)
} catch (error) {
  process.stderr.write(`${error instanceof AggregateError ? error.errors.join("\n") : error}\n`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
