/** Builds the static client, src/client/client.c: a C compiler is all that it takes. */
import { spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, renameSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { conversationVersion } from "../../src/agent/conversation/conversation.ts"
import { agentSocket } from "../../src/agent/socket.ts"
import { pluginVersion, supportedVersions, versionDocument } from "../../src/cni/call/version.ts"
import type { Architecture } from "./packages.ts"

/** Debian's names: package gcc, and gcc-aarch64-linux-gnu or gcc-x86-64-linux-gnu with its libc6-dev for its headers. */
const crossCompilers = { x64: "x86_64-linux-gnu-gcc", arm64: "aarch64-linux-gnu-gcc" } as const

const flags = [
  ...["-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror"],
  // No C library, and nothing that the compiler would take from one.
  ...["-static", "-nostdlib", "-ffreestanding", "-fno-pie", "-no-pie", "-fno-stack-protector", "-fcf-protection=none"],
  ...["-fno-asynchronous-unwind-tables", "-fno-tree-loop-distribute-patterns"],
  // Memory pages of the smallest size on arm64 too, where the linker would leave holes of 64 KiB.
  ...["-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,max-page-size=4096", "-Wl,-z,noseparate-code", "-s"]
]

export interface ClientPlan {
  /** The project's folder. */
  readonly root: string
  readonly target: Architecture
  readonly here: Architecture
  readonly out: string
  /** Other values than the program's own, for tests: `AGENT_SOCKET`, `CONVERSATION`. */
  readonly define?: Readonly<Record<string, string>>
}

/** undefined where it is built, else in words why not. */
export const buildClient = ({ root, target, here, out, define = {} }: ClientPlan): string | undefined => {
  const compiler = target === here ? "gcc" : crossCompilers[target]
  const texts = {
    AGENT_SOCKET: agentSocket,
    CONVERSATION: String(conversationVersion),
    PLUGIN_VERSION: pluginVersion,
    PROTOCOLS: supportedVersions.join(", "),
    VERSION_DOCUMENT: versionDocument.trimEnd(),
    ...define
  }
  const defined = Object.entries(texts).map(([name, text]) => `-D${name}=${JSON.stringify(text)}`)
  const unfinished = `${out}.${process.pid}`
  mkdirSync(dirname(out), { recursive: true })
  const source = join(root, "src/client/client.c")
  const only = target === "arm64" ? flags.filter((flag) => flag !== "-fcf-protection=none") : flags
  const { error, status, stderr } = spawnSync(compiler, [...only, ...defined, "-o", unfinished, source], {
    encoding: "utf8"
  })
  if (error !== undefined) return `there is no ${compiler}`
  if (status !== 0) {
    rmSync(unfinished, { force: true })
    return `${compiler} fails:\n${stderr}`
  }
  chmodSync(unfinished, 0o755)
  renameSync(unfinished, out)
  return undefined
}
