/**
 * `npm run image [-- --arch amd64,arm64] [--name NAME] [--out FILE]`: the contents that the Dockerfile makes, put together
 * without a registry and without a container tool: the executable, Debian's C and C++ libraries, nothing else.
 * dist/image/<arch> has them as folders, dist/macvtap-cni-image.tar as an image to load.
 */
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, rmSync } from "node:fs"
import { join, relative } from "node:path"
import { parseArgs } from "node:util"
import { pluginVersion } from "../src/cni/call/version.ts"
import { sizeOf, writeImage } from "./image/oci.ts"
import { root } from "./manifests.ts"

/** Architectures as Go and container tools call them, and as Node does. */
const architectures = { amd64: "x64", arm64: "arm64" } as const
type Architecture = keyof typeof architectures

const isArchitecture = (name: string): name is Architecture => Object.hasOwn(architectures, name)

const own = (Object.keys(architectures) as Array<Architecture>).find((name) => architectures[name] === process.arch)

const { values } = parseArgs({
  options: {
    arch: { type: "string", default: own ?? "amd64" },
    name: { type: "string", default: `localhost/macvtap-cni:${pluginVersion}` },
    out: { type: "string", default: join(root, "dist/macvtap-cni-image.tar") }
  }
})

const run = (command: string, ...words: ReadonlyArray<string>): void =>
  void execFileSync(command, words, { cwd: root, stdio: ["ignore", "inherit", "inherit"] })

/** The layers of one architecture, as folders below dist/image/<arch>. */
const assemble = (architecture: Architecture): ReadonlyArray<string> => {
  const folder = join(root, "dist/image", architecture)
  const [libraries, plugin] = [join(folder, "libraries"), join(folder, "plugin")]
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(plugin, { recursive: true })
  run(process.execPath, "scripts/build.ts", "--target", architectures[architecture], "--out", join(plugin, "macvtap"))
  console.log(`taking Debian's libraries for ${architecture} …`)
  run(join(root, "scripts/image/libraries.sh"), architecture, libraries)
  cpSync(join(root, "LICENSE"), join(plugin, "usr/share/doc/macvtap-cni/copyright"), { recursive: true })
  return [libraries, plugin]
}

process.umask(0o022)
const wanted = values.arch.split(",")
const unknown = wanted.filter((name) => !isArchitecture(name))
if (unknown.length > 0) {
  console.error(`--arch is ${unknown.join(", ")}; there are ${Object.keys(architectures).join(" and ")}`)
  process.exitCode = 2
} else {
  const platforms = wanted
    .filter(isArchitecture)
    .map((architecture) => ({ architecture, layers: assemble(architecture) }))
  const config = {
    Entrypoint: ["/macvtap"],
    Labels: {
      "org.opencontainers.image.title": "macvtap-cni",
      "org.opencontainers.image.version": pluginVersion,
      "org.opencontainers.image.licenses": "Apache-2.0"
    }
  }
  writeImage(values.out, values.name, config, platforms)
  console.log(
    `${relative(process.cwd(), values.out)}: ${values.name} for ${wanted.join(" and ")}, ${sizeOf(values.out)}`
  )
}
