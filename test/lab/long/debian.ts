/** What the run needs from Debian: installed where it is missing and we may, said where we may not. */
import { existsSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { must, run } from "../run.ts"
import { interrupted, Skipped, say } from "./report.ts"

let updated = false

const apt = async (...args: ReadonlyArray<string>): Promise<void> => {
  const result = await run("apt-get", ["-q", "-y", "-o", "APT::Sandbox::User=root", "-o", "Dpkg::Use-Pty=0", ...args], {
    env: { ...environment(), DEBIAN_FRONTEND: "noninteractive" },
    timeout: 300_000,
    signal: interrupted
  })
  if (result.status !== 0) {
    throw new Skipped(`apt-get ${args.join(" ")}: ${result.stderr.trim().split("\n").pop() ?? result.status}`)
  }
}

const environment = (): Record<string, string> =>
  Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined))

/** The package lists are asked for once a run, and only where something is to be had. */
const updateOnce = async (): Promise<void> => {
  if (updated) return
  if (!existsSync("/usr/bin/apt-get")) throw new Skipped("no apt-get here: this is no Debian")
  say("apt-get update")
  await apt("update")
  updated = true
}

/** Installs the packages whose file is missing; they stay installed. `{ podman: "/usr/bin/podman" }`. */
export const install = async (packages: Readonly<Record<string, string>>): Promise<void> => {
  const missing = Object.entries(packages)
    .filter(([, file]) => !existsSync(file))
    .map(([name]) => name)
  if (missing.length === 0) return
  await updateOnce()
  say(`apt-get install ${missing.join(" ")} (stays installed)`)
  await apt("install", "--no-install-recommends", ...missing)
}

/** Unpacks a package into a folder without installing it, and gives the name of what was unpacked. */
export const unpack = async (name: string, folder: string): Promise<void> => {
  await updateOnce()
  say(`apt-get download ${name} (unpacked, not installed)`)
  await must("apt-get", ["-q", "-o", "APT::Sandbox::User=root", "download", name], {
    cwd: folder,
    timeout: 300_000,
    signal: interrupted
  })
  const file = (await readdir(folder)).find((entry) => entry.endsWith(".deb"))
  if (file === undefined) throw new Error(`apt-get download ${name} left no file`)
  await must("dpkg", ["-x", file, "."], { cwd: folder, signal: interrupted })
}

/** The first package that a package depends on: how Debian names its newest kernel. */
export const dependency = async (name: string): Promise<string> => {
  await updateOnce()
  const text = await must("apt-cache", ["depends", name])
  const found = /Depends: (\S+)/.exec(text)?.[1]
  if (found === undefined) throw new Skipped(`Debian has no package ${name} for this machine`)
  return found
}
