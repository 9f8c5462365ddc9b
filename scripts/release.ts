/**
 * `npm run release [-- --image NAME] [--out FOLDER]`: all that a release consists of, in dist/release, for x86-64 and
 * arm64: what package.json calls the version, with that version's notes from CHANGELOG.md. The same commit gives the same
 * bytes. `--image` is where the image will be pulled from, without a tag: the manifests and the archive name it.
 */
import { execFileSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { parseArgs } from "node:util"
import { pluginVersion } from "../src/cni/call/version.ts"
import { onePlainFile, readBelow, root } from "./manifests.ts"
import { withImage } from "./release/manifests.ts"
import { notesOf } from "./release/notes.ts"
import { reproducibleSbom } from "./release/sbom.ts"
import { sumsOf } from "./release/sums.ts"

const architectures = ["amd64", "arm64"] as const

const { values } = parseArgs({
  options: {
    image: { type: "string", default: "localhost/macvtap-cni" },
    out: { type: "string", default: join(root, "dist/release") }
  }
})
const { image: repository, out } = values
const image = `${repository}:${pluginVersion}`

const write = (name: string, text: string): void => writeFileSync(join(out, name), text)

/** Runs a script of this folder with this Node. */
const script = (name: string, ...words: ReadonlyArray<string>): void =>
  void execFileSync(process.execPath, [join(root, "scripts", name), ...words], { cwd: root, stdio: "inherit" })

/** The image holds the executables: they are those that people download, byte for byte. */
const binaries = (): void => {
  const archive = join(out, `macvtap-cni-${pluginVersion}-image.tar`)
  script("image.ts", "--arch", architectures.join(), "--name", image, "--out", archive)
  for (const architecture of architectures) {
    for (const name of ["macvtap", "macvtap-client"]) {
      const built = join(root, "dist/image", architecture, "plugin", name)
      if (!existsSync(built)) throw new Error(`${name} for ${architecture} is not built: it needs a C compiler for it`)
      copyFileSync(built, join(out, `${name}-${pluginVersion}-linux-${architecture}`))
    }
  }
}

const manifests = (): void => {
  const read = (path: string) => withImage(readBelow(path), image)
  write(`macvtap-cni-${pluginVersion}.yaml`, onePlainFile(read))
}

const sbom = (): void => {
  const words = ["sbom", "--package-lock-only", "--sbom-format=cyclonedx"]
  const text = execFileSync("npm", words, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 28 })
  write(`macvtap-cni-${pluginVersion}.cdx.json`, reproducibleSbom(text))
}

process.umask(0o022)
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
// First what can be wrong at once: a version without notes is no release.
write("NOTES.md", notesOf(readFileSync(join(root, "CHANGELOG.md"), "utf8"), pluginVersion))
manifests()
sbom()
binaries()
write("SHA256SUMS", sumsOf(out, readdirSync(out)))
console.log(`${relative(process.cwd(), out)}: ${readdirSync(out).sort().join(", ")}`)
