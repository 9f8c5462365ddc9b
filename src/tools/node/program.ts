/** What an executable is: asked by running it, the only way that also says whether it can be run. */
import { closeSync, openSync, readSync } from "node:fs"
import * as Effect from "effect/Effect"
import { errnoOf } from "./files.ts"

export type Program =
  /** One of ours, of that version. */
  | { readonly _tag: "Ours"; readonly version: string }
  /** It runs, and is another program. */
  | { readonly _tag: "Other" }
  /** It cannot be started, or fails; `why` in words. */
  | { readonly _tag: "Broken"; readonly why: string }

/** Milliseconds; ours answers in 30. */
const timeLimit = 10_000

const words: Readonly<Record<string, string>> = {
  EACCES: "permission denied: its mode lacks x, or its file system is mounted noexec",
  ENOEXEC: "it is no executable for this machine",
  ENOENT: "its dynamic loader is missing: is it for another machine, or another C library?",
  ETIMEDOUT: "it did not answer",
  EPIPE: "it is no executable for this machine"
}

/**
 * Whether the kernel would run it at all. Asked beforehand because execvp(3), which Node uses, hands anything else to
 * the shell, as its script.
 */
const isExecutableFormat = (file: string): boolean => {
  const start = Buffer.alloc(4)
  const fd = openSync(file, "r")
  try {
    readSync(fd, start, 0, 4, 0)
  } finally {
    closeSync(fd)
  }
  return start.toString("latin1") === "\u007fELF" || start.toString("latin1", 0, 2) === "#!"
}

const broken = (errno: string | undefined, otherwise: string): Program => ({
  _tag: "Broken",
  why: words[errno ?? ""] ?? otherwise
})

/** Runs `<file> --version` in an empty environment, so that a CNI plugin takes it for a person's call. */
export const askProgram = (file: string): Effect.Effect<Program> =>
  Effect.promise(async (): Promise<Program> => {
    try {
      if (!isExecutableFormat(file)) return broken("ENOEXEC", "")
    } catch (error) {
      return broken(errnoOf(error), String(error))
    }
    const { spawnSync } = await import("node:child_process")
    const { error, status, signal, stdout, stderr } = spawnSync(file, ["--version"], {
      env: {},
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeLimit,
      killSignal: "SIGKILL",
      maxBuffer: 1024 * 1024,
      encoding: "utf8"
    })
    const version = /^\S+ \(macvtap-cni\) (\d+\.\d+\.\d+\S*)\n$/.exec(stdout ?? "")?.[1]
    if (status === 0 && version !== undefined) return { _tag: "Ours", version }
    if (error !== undefined) return broken((error as NodeJS.ErrnoException).code, error.message)
    // The loader's way to say that a library is missing.
    const missing = /error while loading shared libraries: (.*)/.exec(stderr)?.[1]
    if (missing !== undefined) return broken(undefined, missing)
    if (signal !== null) return broken(undefined, `it was ended by ${signal}`)
    // A plugin of the Go library without words about itself answers with an error object.
    return status === 0 || stdout !== "" ? { _tag: "Other" } : broken(undefined, `it fails with exit status ${status}`)
  })
