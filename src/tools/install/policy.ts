/** The node's policy, put in its place: what is wrong with it is said here, and not to the next pod. */
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { FileSystem } from "effect/FileSystem"
import * as Result from "effect/Result"
import { decodePolicy, longestPolicy } from "../../cni/policy/Policy.ts"
import { type Surroundings, ToolError } from "../../command/Command.ts"
import { readBounded } from "../../devices/readBounded.ts"
import { statFile } from "../node/files.ts"
import { makeTemporary, temporaries } from "../node/temporaries.ts"
import { copyFile, putInPlace, removeBeside, sameContent, told } from "./copy.ts"

/** Everybody may read it; nobody but root may write it, or no ADD believes it. */
const mode = 0o644

/**
 * Copies a policy to the node. A source that is not there (a ConfigMap without the key) says nothing, and takes nothing
 * away: a policy that vanishes by mistake would allow everything.
 */
export const putPolicy = Effect.fn("putPolicy")(function* (from: string, to: string, { out }: Surroundings) {
  if (statFile(from) === undefined) {
    return yield* out(`${from}: not there; ${statFile(to) === undefined ? "this node has no policy" : `${to} stays`}\n`)
  }
  for (const file of temporaries(dirname(to))) yield* told(file, (yield* FileSystem).remove(file, { force: true }))
  const beside = makeTemporary(dirname(to))
  const done = yield* Effect.gen(function* () {
    yield* told(to, copyFile(from, beside, mode))
    const rules = yield* checkPolicy(from, beside)
    const stats = statFile(to)
    const same = stats?.uid === 0 && (stats.mode & 0o7777) === mode && (yield* told(to, sameContent(beside, to)))
    if (!same) yield* told(to, putInPlace(beside, to))
    return `${same ? "up to date" : "installed"} (${rules === 1 ? "1 rule" : `${rules} rules`})`
  }).pipe(Effect.ensuring(removeBeside(beside)))
  yield* out(`${to}: ${done}\n`)
})

/** How many rules there are in the copy. */
const checkPolicy = (from: string, copy: string): Effect.Effect<number, ToolError> =>
  Effect.fromResult(
    readBounded(copy, longestPolicy).pipe(
      Result.flatMap((text) => decodePolicy(text ?? "")),
      Result.mapBoth({
        onSuccess: ({ rules }) => rules.length,
        onFailure: (problem) =>
          new ToolError({ problem: `the policy ${from} ${problem}`, advice: "correct it; what was there is untouched" })
      })
    )
  )

/** Where a node has its policy, below its folder of state. */
export const policyIn = (state: string): string => join(state, "policy.json")
