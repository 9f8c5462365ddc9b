/** A tool as a person runs it: words in, what it said and its exit status out. */
import { chmod, mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { pluginVersion } from "../../../src/cni/call/version.ts"
import type { Machine } from "../../../src/command/Command.ts"
import { runCommand } from "../../../src/commands.ts"
import { makeKernel } from "../../../src/mock/Kernel.ts"
import { mockLayer } from "../../../src/mock/layer.ts"

export interface Said {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface ToolOptions {
  /** A kernel in memory with nothing in it when left out. */
  readonly machine?: Layer.Layer<Machine>
  readonly executable?: string
  readonly env?: Readonly<Record<string, string>>
}

export const runTool = async (argv: ReadonlyArray<string>, options: ToolOptions = {}): Promise<Said> => {
  const stdout: Array<string> = []
  const stderr: Array<string> = []
  const status = await Effect.runPromise(
    runCommand(argv, {
      executable: options.executable,
      env: options.env ?? {},
      commandLine: ["macvtap", ...argv],
      pid: process.pid,
      out: (text) => Effect.sync(() => void stdout.push(text)),
      err: (text) => Effect.sync(() => void stderr.push(text)),
      log: (line) => void stderr.push(line),
      machine: options.machine ?? mockLayer(makeKernel())
    })
  )
  return { status, stdout: stdout.join(""), stderr: stderr.join("") }
}

/** A program that answers `--version` as ours does, or with other words. */
export const writeProgram = async (path: string, version: string = pluginVersion, more = ""): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `#!/bin/sh\n# ${more}\necho "macvtap (macvtap-cni) ${version}"\n`)
  await chmod(path, 0o755)
}

/** A file below a folder, with the folders on the way. */
export const writeBelow = async (root: string, path: string, text: string): Promise<string> => {
  const file = join(root, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  return file
}
