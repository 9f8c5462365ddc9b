/** The npm packages that an executable is made of: those installed here, and another architecture's from the registry. */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"

/** What Node calls an architecture, and what Bun's packages call it. */
export const architectures = { x64: { bun: "x64" }, arm64: { bun: "aarch64" } } as const
export type Architecture = keyof typeof architectures

export const isArchitecture = (name: string): name is Architecture => Object.hasOwn(architectures, name)

interface Locked {
  readonly version: string
  readonly integrity: string
}

const locked = (root: string, name: string): Locked => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"))
  const entry = lock.packages[`node_modules/${name}`]
  if (entry === undefined) throw new Error(`package-lock.json has no ${name}`)
  return entry
}

/** Downloads a package as package-lock.json has it, checks it against the lock's digest, and unpacks it into `folder`. */
const download = (name: string, { version, integrity }: Locked, folder: string): void => {
  mkdirSync(join(folder, ".."), { recursive: true })
  const work = mkdtempSync(`${folder}.`)
  try {
    process.stdout.write(`fetching ${name} ${version} …\n`)
    const words = ["pack", `${name}@${version}`, "--silent", "--pack-destination", work]
    const archive = join(work, execFileSync("npm", words, { encoding: "utf8" }).trim())
    const [algorithm = "", digest] = integrity.split(/-(.*)/s)
    if (createHash(algorithm).update(readFileSync(archive)).digest("base64") !== digest) {
      throw new Error(`${name} ${version} is not what package-lock.json says: its digest is another`)
    }
    execFileSync("tar", ["--extract", "--gzip", "--file", archive, "--directory", work])
    renameSync(join(work, "package"), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Where the package's files are; one for another architecture is fetched, once, into node_modules/.cache. */
export const packageFolder = (root: string, name: string): string => {
  const installed = join(root, "node_modules", name)
  if (existsSync(installed)) return installed
  const entry = locked(root, name)
  const folder = join(root, "node_modules/.cache/macvtap-cni", `${name.replace("/", "-")}-${entry.version}`)
  if (!existsSync(folder)) download(name, entry, folder)
  return folder
}
