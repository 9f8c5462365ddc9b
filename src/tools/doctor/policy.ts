/** Whether the node's owner has said which masters networks may use, and whether what was said is believed. */
import type { Stats } from "node:fs"
import { join } from "node:path"
import * as Result from "effect/Result"
import { decodePolicy, longestPolicy } from "../../cni/policy/Policy.ts"
import { readBounded } from "../../devices/readBounded.ts"
import { policyPath } from "../../services/PolicyService.ts"
import { statLink } from "../node/files.ts"
import { type Finding, fine, note, type Site, wrong } from "./Finding.ts"

const check = "policy"

export const policy = ({ root }: Site): Finding => {
  const file = join(root, policyPath)
  const stats = statLink(file)
  if (stats === undefined) {
    const says = `there is none (no ${file}): a network may name any link of this node as its master, in any mode`
    return note(check, says, "docs/policy.md says how to allow only some")
  }
  const problem = distrust(stats)
  return readBounded(file, longestPolicy).pipe(
    Result.flatMap((text) => (problem === undefined ? decodePolicy(text ?? "") : Result.fail(problem))),
    Result.match({
      onFailure: (why) => wrong(check, `${file} ${why}; every ADD is refused`, "correct it, or remove it"),
      onSuccess: ({ rules }) =>
        fine(
          check,
          rules.length === 0 ? "it allows nothing" : `its rules: ${rules.map(({ called }) => called).join(", ")}`
        )
    })
  )
}

/** What ADD would say of such a file, to be put behind its path. */
export const distrust = (stats: Pick<Stats, "uid" | "mode" | "isSymbolicLink">): string | undefined => {
  if (stats.isSymbolicLink()) return "is not used: it is a symbolic link"
  if (stats.uid !== 0) return `belongs to user ${stats.uid}, but must be root's`
  return (stats.mode & 0o022) === 0 ? undefined : "can be written by others than root, but must not"
}
