/** What the run says: each step when it ends, then one line of counts. */
import { performance } from "node:perf_hooks"

/** Something that this machine cannot do: the step, or the whole part, is skipped, and says so. */
export class Skipped extends Error {}

/** The person pressed ^C, or the machine wants us gone. */
export class Interrupted extends Error {}

const interruption = new AbortController()

/** Aborts when the run is to stop; what is open is closed on the way out. */
export const interrupted: AbortSignal = interruption.signal

/** From now on a signal stops the run: what is running is killed, what is next is not begun, what was made is cleared away. */
export const stopOnSignals = (): void => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (!interrupted.aborted) console.log("\nclearing away …")
      interruption.abort()
    })
  }
}

const counts = { passed: 0, failed: 0, skipped: 0 }

const colour = (code: number, text: string) => (process.stdout.isTTY ? `\x1b[${code}m${text}\x1b[0m` : text)

/** A line of progress. */
export const say = (text: string): void => console.log(`  ${colour(90, text)}`)

/** The title of a part. */
export const title = (text: string): void => console.log(`\n${colour(1, text)}`)

/** A line that another program said, with its name before it. */
export const saidBy = (who: string, line: string): void => console.log(`    ${colour(36, `${who} │`)} ${line}`)

/** Counts a step as skipped, with the reason. */
export const skip = (name: string, why: string): void => {
  counts.skipped++
  console.log(`  ${colour(33, "skip")} ${name}: ${why}`)
}

/** One step: passes when `body` ends, fails when it throws; says which, and how long it took. Gives what body gave. */
export const step = async <A>(name: string, body: () => Promise<A>): Promise<A | undefined> => {
  if (interrupted.aborted) throw new Interrupted()
  const start = performance.now()
  const seconds = () => `(${((performance.now() - start) / 1000).toFixed(1)} s)`
  try {
    const value = await body()
    if (interrupted.aborted) throw new Interrupted()
    counts.passed++
    console.log(`  ${colour(32, "ok  ")} ${name} ${colour(90, seconds())}`)
    return value
  } catch (error) {
    if (interrupted.aborted) throw new Interrupted()
    if (error instanceof Skipped) skip(name, error.message)
    else {
      counts.failed++
      const words = error instanceof Error ? error.message : String(error)
      console.log(`  ${colour(31, "FAIL")} ${name} ${seconds()}\n${words.replace(/^/gm, "       ")}`)
    }
    return undefined
  }
}

/** A part: a title and steps; a failure outside of a step (its set-up) fails the part, and the next one goes on. */
export const part = async (name: string, body: () => Promise<void>): Promise<void> => {
  title(name)
  try {
    await body()
  } catch (error) {
    if (interrupted.aborted || error instanceof Interrupted) throw new Interrupted()
    if (error instanceof Skipped) skip(name, error.message)
    else await step(`${name}: set-up and clearing away`, () => Promise.reject(error))
  }
}

/** Adds what another program counted. */
export const addCounts = (more: {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}): void => {
  counts.passed += more.passed
  counts.failed += more.failed
  counts.skipped += more.skipped
}

/** Prints the last line, and gives the exit status. */
export const summary = (): number => {
  console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  if (interrupted.aborted) return 130
  return counts.failed === 0 ? 0 : 1
}

/** Throws unless it holds. */
export const expect = (what: string, holds: boolean, found?: unknown): void => {
  if (!holds) throw new Error(found === undefined ? what : `${what}; found ${JSON.stringify(found)}`)
}
