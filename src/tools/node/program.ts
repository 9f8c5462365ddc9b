/** What an executable is: asked by running it, the only way that also says whether it can be run. */
import * as Effect from "effect/Effect"
import { type Ran, runApart } from "./runApart.ts"

export type Program =
  /** The executable, of that version. */
  | { readonly _tag: "Ours"; readonly version: string }
  /** The client of that version, which finds its agent on the socket. */
  | { readonly _tag: "Client"; readonly version: string; readonly socket: string }
  /** It runs, and is another program. */
  | { readonly _tag: "Other" }
  /** It cannot be started, or fails; `why` in words. */
  | { readonly _tag: "Broken"; readonly why: string }

/** Runs `<file> --version`. */
export const askProgram = (file: string): Effect.Effect<Program> =>
  Effect.match(runApart(file, { args: ["--version"] }), { onSuccess: judge, onFailure: broken })

const judge = ({ stdout, stderr, status }: Ran): Program => {
  const version = /^\S+ \(macvtap-cni\) (\d+\.\d+\.\d+\S*)\n$/.exec(stdout)?.[1]
  if (status === 0 && version !== undefined) return { _tag: "Ours", version }
  const client = /^CNI macvtap client version (\S+), for the agent on (\S+)\n/.exec(stderr)
  if (client !== null) return { _tag: "Client", version: client[1] ?? "", socket: client[2] ?? "" }
  // The loader's way to say that a library is missing.
  const missing = /error while loading shared libraries: (.*)/.exec(stderr)?.[1]
  if (missing !== undefined) return broken(missing)
  if (status === undefined) return broken("it was ended by a signal")
  // A plugin of the Go library without words about itself answers with an error object.
  return status === 0 || stdout !== "" ? { _tag: "Other" } : broken(`it fails with exit status ${status}`)
}

const broken = (why: string): Program => ({ _tag: "Broken", why })
