/**
 * The parts that Debian has not: Go modules whose versions `parts/<name>/go.mod` pins, and whose programs are its `tool`
 * lines. Built once, and kept outside the tree, by version.
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { homedir } from "node:os"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { goProgram } from "./needs.ts"

export type PartName = "kubernetes" | "oldest-kubelet" | "multus" | "plugins"

export interface Part {
  readonly name: PartName
  /** Of the module that the part is named for: `v1.37.2`. */
  readonly version: string
  /** Where its programs are, once built. */
  readonly folder: string
  /** The programs' names: `kubelet`. */
  readonly programs: ReadonlyArray<string>
}

const modules: Readonly<Record<PartName, string>> = {
  kubernetes: "k8s.io/kubernetes",
  "oldest-kubelet": "k8s.io/kubernetes",
  multus: "gopkg.in/k8snetworkplumbingwg/multus-cni.v4",
  plugins: "github.com/containernetworking/plugins"
}

/** Everything that is built once: `$XDG_CACHE_HOME/macvtap-cni/cluster`. */
export const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "macvtap-cni/cluster")

const sources = (name: PartName): string => fileURLToPath(new URL(`./${name}`, import.meta.url))

/** What go.mod says of a part. */
export const part = (name: PartName): Part => {
  const text = readFileSync(join(sources(name), "go.mod"), "utf8")
  const version = text.split("\n").flatMap((line) => {
    const words = line
      .trim()
      .replace(/^require /, "")
      .split(" ")
    return words[0] === modules[name] && words[1] !== "=>" ? [words[1] ?? ""] : []
  })[0]
  if (version === undefined) throw new Error(`parts/${name}/go.mod requires no ${modules[name]}`)
  const block = /^tool \(([^)]*)\)/m.exec(text)?.[1] ?? /^tool (.*)$/m.exec(text)?.[1] ?? ""
  const programs = block
    .trim()
    .split(/\s+/)
    .map((path) => basename(path))
  return { name, version, folder: join(cache, `${name}-${version}`), programs }
}

/** The path of a program of a part. */
export const program = (name: PartName, which: string): string => join(part(name).folder, which)

/** The folder of a module's own files (its manifests), as Go's cache has it. */
export const moduleFolder = (name: PartName): string => {
  const words = ["list", "-m", "-f", "{{.Dir}}", modules[name]]
  const { status, stdout, stderr } = spawnSync(goProgram(), words, { cwd: sources(name), encoding: "utf8" })
  if (status !== 0) throw new Error(`go ${words.join(" ")}: ${stderr}`)
  return stdout.trim()
}

/** Whether a part was built before. A half-built one is not there. */
export const isBuilt = ({ folder, programs }: Part): boolean => programs.every((one) => existsSync(join(folder, one)))

/** Builds what is not there yet, with a line of progress. */
export const build = async (name: PartName): Promise<Part> => {
  const it = part(name)
  if (isBuilt(it)) return it
  const half = `${it.folder}.building`
  rmSync(half, { recursive: true, force: true })
  mkdirSync(half, { recursive: true })
  console.log(`${name} ${it.version}: building ${it.programs.join(", ")} as Go modules, kept in ${it.folder}`)
  await compile(it, half)
  rmSync(it.folder, { recursive: true, force: true })
  renameSync(half, it.folder)
  return it
}

/** What a release build says of itself; kube-apiserver and kubelet look at it. */
const linkerWords = ({ name, version }: Part): string => {
  const [major, minor] = version.slice(1).split(".")
  const set: Readonly<Record<string, string>> =
    name === "multus"
      ? { "gopkg.in/k8snetworkplumbingwg/multus-cni.v4/pkg/multus.version": version }
      : name === "plugins"
        ? { "github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion": version }
        : {
            "k8s.io/component-base/version.gitVersion": version,
            "k8s.io/component-base/version.gitMajor": major ?? "",
            "k8s.io/component-base/version.gitMinor": minor ?? ""
          }
  return ["-s -w", ...Object.entries(set).map(([key, value]) => `-X ${key}=${value}`)].join(" ")
}

const compile = (it: Part, into: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const words = ["build", "-v", "-trimpath", "-ldflags", linkerWords(it), "-o", `${into}/`, "tool"]
    const child = spawn("nice", ["-n", "19", goProgram(), ...words], {
      cwd: sources(it.name),
      env: { ...process.env, CGO_ENABLED: "0" },
      stdio: ["ignore", "inherit", "pipe"]
    })
    const [began, said] = [Date.now(), [] as Array<string>]
    const timer = setInterval(() => {
      const seconds = Math.round((Date.now() - began) / 1000)
      console.log(`  ${it.name}: ${said.length} packages compiled, ${seconds} s, now ${said.at(-1) ?? "downloading"}`)
    }, 15_000)
    child.stderr.on("data", (chunk: Buffer) => said.push(...chunk.toString().trim().split("\n")))
    child.on("error", reject)
    child.on("close", (status) => {
      clearInterval(timer)
      if (status === 0) resolve()
      else reject(new Error(`${it.name} ${it.version} does not build:\n${said.slice(-20).join("\n")}`))
    })
  })
