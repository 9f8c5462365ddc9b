/** PolicyService on the node's file, which has to be root's own: whoever else could write it would be its owner. */
import { closeSync, constants, fstatSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { readOpen } from "../../devices/readBounded.ts"
import { PolicyError, PolicyService, policyPath } from "../../services/PolicyService.ts"
import { errnoOf } from "../system/errno.ts"
import type { Root } from "../system/root.ts"

/** The policy below that root. */
export const makePolicy = (root: Root): PolicyService["Service"] =>
  PolicyService.of({
    read: (longest) =>
      Effect.suspend(() => {
        const read = readPolicy(root, longest)
        return Result.isSuccess(read)
          ? Effect.succeed(read.success)
          : Effect.fail(new PolicyError({ path: policyPath, problem: read.failure }))
      })
  })

const readPolicy = (root: Root, longest: number): Result.Result<string | undefined, string> => {
  let fd: number | undefined
  try {
    const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants
    fd = root.straight(policyPath, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    if (fd === undefined) return Result.succeed(undefined)
    const problem = problemOf(fd)
    return problem === undefined ? readOpen(fd, longest) : Result.fail(problem)
  } catch (thrown) {
    const errno = errnoOf(thrown)
    if (errno === undefined) throw thrown
    return Result.fail(
      errno === "ELOOP" || errno === "ENOTDIR"
        ? `is not used: a part of the path is a symbolic link, or no folder (${errno})`
        : `cannot be read: ${errno}`
    )
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

const problemOf = (fd: number): string | undefined => {
  const { uid, mode } = fstatSync(fd)
  if (uid !== 0) return `belongs to user ${uid}, but must be root's`
  return (mode & 0o022) === 0
    ? undefined
    : `can be written by others than root (mode ${(mode & 0o777).toString(8)}), but must not`
}
