/** Ends a run with what was skipped and why, and with `N passed, N failed, N skipped` as the very last line. */
import { relative } from "node:path"
import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node"

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** What a live test may have missed, for those that do not say it themselves by `context.skip(reason)`. */
const lacking = async (): Promise<string> => {
  // Not before the end: dist/macvtap is built first.
  const { hasDebianPlugins, hasExecutable, hasMacvtap } = await import("../machine.ts")
  const lacks = [
    ...(hasMacvtap ? [] : ["root, iproute2 and a kernel with macvtap"]),
    ...(hasExecutable ? [] : ["dist/macvtap (npm run build)"]),
    ...(hasDebianPlugins ? [] : ["Debian's containernetworking-plugins"])
  ]
  return lacks.length === 0 ? "no reason given" : `this machine lacks ${lacks.join("; ")}`
}

const reasonOf = async (test: TestCase): Promise<string> => {
  const result = test.result()
  const note = result.state === "skipped" ? result.note : undefined
  return note ?? (test.options.mode === "todo" ? "to be written" : await lacking())
}

/** The skipped tests by file and reason: `  3 in test/live/tap.live.test.ts: this machine lacks …`. */
const describeSkipped = async (skipped: ReadonlyArray<TestCase>): Promise<ReadonlyArray<string>> => {
  const counts = new Map<string, number>()
  for (const test of skipped) {
    const key = `${relative(process.cwd(), test.module.moduleId)}: ${await reasonOf(test)}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts].map(([key, count]) => `  ${count} in ${key}`)
}

export class FinalLine implements Reporter {
  // Until a run has ended, it is one that failed: a broken setup or an interruption must not read like a success.
  private counts: Counts = { passed: 0, failed: 1, skipped: 0 }
  private skipped: ReadonlyArray<string> = []

  onInit(vitest: Vitest): void {
    if (vitest.config.watch) return
    process.on("exit", () => {
      const { passed, failed, skipped } = this.counts
      if (passed + failed === 0) process.exitCode = 1
      const reasons = this.skipped.length === 0 ? [] : ["Skipped:", ...this.skipped]
      process.stdout.write([...reasons, `${passed} passed, ${failed} failed, ${skipped} skipped`, ""].join("\n"))
    })
  }

  async onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<unknown>, reason: string) {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const inState = (state: string) => tests.filter((test) => test.result().state === state)
    const skipped = inState("skipped")
    // A file that does not load has no test that could fail; a test still pending was interrupted.
    const broken = modules.filter((module) => !module.ok() && [...module.children.allTests("failed")].length === 0)
    const counted = inState("failed").length + inState("pending").length + broken.length + errors.length
    this.counts = {
      passed: inState("passed").length,
      failed: counted === 0 && reason === "interrupted" ? 1 : counted,
      skipped: skipped.length
    }
    this.skipped = await describeSkipped(skipped)
  }
}
