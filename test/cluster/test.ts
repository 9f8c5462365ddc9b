/** `test`: the checks one after the other, each with its evidence, and the report of a whole run. */

import { checks } from "./checks/all.ts"
import { CannotProve, type Check } from "./checks/Check.ts"
import { kubectl } from "./pods/kubectl.ts"
import { type Inventory, inventory, isEmpty, leftAfter, leftOf, more, withoutOthers } from "./pods/leaks.ts"
import { setUp } from "./pods/setting.ts"

export interface Outcome {
  readonly check: Check
  readonly result: "passed" | "failed" | "skipped"
  /** What was seen; the reason where it failed or was skipped. */
  readonly evidence: string
  readonly seconds: number
}

export interface Choice {
  /** Checks whose name holds one of the words; all of them where there are none. */
  readonly words: ReadonlyArray<string>
  /** Only those of the short form. */
  readonly short: boolean
  /** What has not begun after so many minutes is skipped. */
  readonly minutes: number
}

/** Runs the checks that were chosen; `tell` hears after each. */
export const test = async (
  { words, short, minutes }: Choice,
  tell: (soFar: ReadonlyArray<Outcome>) => void
): Promise<ReadonlyArray<Outcome>> => {
  const chosen = checks
    .filter((check) => !short || check.short === true)
    .filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
  if (chosen.length === 0)
    throw new Error(`no check is called ${words.join(" or ")}: ${checks.map(({ name }) => name).join(", ")}`)
  const end = Date.now() + minutes * 60_000
  await setUp()
  const outcomes: Array<Outcome> = []
  const later = new Map<Check, Inventory>()
  for (const check of chosen) {
    const late = Date.now() > end
    const before = await inventory()
    const outcome = late ? skipped(check, `no time: ${minutes} minutes had passed`) : await runOne(check, before)
    if (check.settles === "later") later.set(check, more(before, await inventory()))
    outcomes.push(outcome)
    tell(outcomes)
    say(outcome)
  }
  for (const [at, outcome] of outcomes.entries()) {
    const things = later.get(outcome.check)
    if (things === undefined || outcome.result !== "passed") continue
    const judged = judge(outcome, await leftOf(things, 150))
    if (judged.evidence === outcome.evidence) continue
    outcomes[at] = judged
    tell(outcomes)
    say(judged)
  }
  return outcomes
}

/** An outcome in the light of what was left: a failure, unless all of it is Multus' own and something happened to that. */
const judge = (outcome: Outcome, left: Inventory): Outcome => {
  if (isEmpty(left)) return outcome
  const { check, evidence } = outcome
  const excuse = check.multusMayLeave?.()
  if (excuse === undefined || !isEmpty(withoutOthers(left)))
    return { ...outcome, result: "failed", evidence: `left behind: ${JSON.stringify(left)}; ${evidence}` }
  const counts = Object.entries(left).map(([kind, names]) => `${names.length} ${kind}`)
  return { ...outcome, evidence: `${evidence}; ${excuse}, and left ${counts.join(" and ")} of its own` }
}

const say = ({ result, check, seconds, evidence }: Outcome): void =>
  console.log(`${result} ${check.name} (${seconds.toFixed(0)} s): ${evidence}`)

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const skipped = (check: Check, evidence: string): Outcome => ({ check, result: "skipped", evidence, seconds: 0 })

/** One check, and after it that its pods left nothing, which counts as part of it. */
const runOne = async (check: Check, before: Inventory): Promise<Outcome> => {
  const began = Date.now()
  const outcome = (result: Outcome["result"], evidence: string): Outcome => {
    const oneLine = evidence.trim().replace(/\s*\n\s*/g, " ")
    return { check, result, evidence: oneLine, seconds: (Date.now() - began) / 1000 }
  }
  try {
    const evidence = await check.prove()
    if (check.settles === "later") return outcome("passed", evidence)
    return judge(outcome("passed", evidence), await leftAfter(before, check.settles))
  } catch (error) {
    const words = wordsOf(error)
    if (error instanceof CannotProve) return outcome("skipped", words)
    // What the next check meets is to be as if this one had not been.
    await kubectl("delete pod -l check=yes --timeout=60s", { timeout: 90_000 }).catch(() => {})
    return outcome("failed", words)
  }
}

/** `5 passed, 0 failed, 1 skipped`; `skipped`: what there is no outcome of. */
export const counted = (outcomes: ReadonlyArray<Outcome>, skipped = 0): string => {
  const count = (result: Outcome["result"]): number => outcomes.filter((one) => one.result === result).length
  return `${count("passed")} passed, ${count("failed")} failed, ${count("skipped") + skipped} skipped`
}
