/**
 * `npm run build [-- --target x64|arm64] [--out file]`: the sources and a Bun runtime as one executable, dist/macvtap, and
 * beside it the static client, dist/macvtap-client, where there is a C compiler.
 * For another architecture than this machine's (dist/macvtap-arm64) its Bun and its koffi come from the npm registry.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, statSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { buildClient } from "./build/client.ts"
import { architectures, isArchitecture, packageFolder } from "./build/packages.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

const fail = (message: string): never => {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

const { values } = parseArgs({ options: { target: { type: "string" }, out: { type: "string" } } })
const target = values.target ?? process.arch
if (!isArchitecture(target)) fail(`--target is ${Object.keys(architectures).join(" or ")}, not ${target}`)
else {
  const here = isArchitecture(process.arch) ? process.arch : fail(`no Bun for ${process.arch}`)
  const out = values.out ?? join(root, "dist", target === here ? "macvtap" : `macvtap-${target}`)
  mkdirSync(dirname(out), { recursive: true })

  const bunOf = (architecture: typeof here) =>
    join(packageFolder(root, `@oven/bun-linux-${architectures[architecture].bun}`), "bin/bun")
  const koffi = join(packageFolder(root, `@koromix/koffi-linux-${target}`), `linux_${target}/koffi.node`)
  const runtime = bunOf(target)
  for (const file of [runtime, koffi]) if (!existsSync(file)) fail(`${file} is not there: run npm ci first`)

  const started = performance.now()
  const [entry, commands] = [join(root, "src/main.ts"), join(root, "src/commands.ts")]
  const plan = { root, entry, commands, target, runtime, koffi, out }
  const bundler = spawnSync(bunOf(here), [join(root, "scripts/build/bundle.ts"), JSON.stringify(plan)], {
    stdio: "inherit"
  })
  if (bundler.status !== 0) fail(`the build of ${basename(out)} failed`)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const size = (statSync(out).size / 1e6).toFixed(0)
  process.stdout.write(`${relative(process.cwd(), out)}: linux-${target}, ${size} MB, built in ${seconds} s\n`)

  const client = join(dirname(out), basename(out).replace(/^macvtap/, "macvtap-client"))
  const problem = buildClient({ root, target, here, out: client })
  const said = problem === undefined ? `${(statSync(client).size / 1e3).toFixed(0)} kB` : `not built: ${problem}`
  process.stdout.write(`${relative(process.cwd(), client)}: ${said}\n`)
}
