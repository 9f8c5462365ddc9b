/** What it survives: the tests of test/survival, in full, or in their short form. */
import { readdir } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { startDaemon } from "../lab/daemon.ts"
import { makeFolder } from "../lab/folder.ts"
import { addCounts, expect, interrupted, saidBy, say } from "../lab/long/report.ts"
import { isRunning, processesWith } from "../lab/processes.ts"
import { run, until } from "../lab/run.ts"

const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url))

/** The last line of vitest's summary of tests: `Tests  1 failed | 12 passed | 3 skipped (16)`. */
const count = (lines: ReadonlyArray<string>, word: string): number => {
  const line = lines.findLast((candidate) => /^\s*Tests\s/.test(candidate)) ?? ""
  return Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0)
}

/** Whether a name of makeNetns bears the number of a process that is no more. */
const isOrphan = (name: string): boolean => {
  const pid = /^e2-.*-(\d+)-\d+$/.exec(name)?.[1]
  return pid !== undefined && !isRunning(Number(pid))
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It has ended meanwhile.
  }
}

/**
 * An interrupted vitest does not end the blocks of its tests, and its workers outlive it for a moment: they are ended, then
 * the calls that they had begun, then the namespaces that they had made.
 */
const clearAway = async (folder: string): Promise<void> => {
  const worker = (variable: string) => variable === `TMPDIR=${folder}`
  const call = (variable: string) => variable.startsWith("CNI_CONTAINERID=") && isOrphan(variable.split("=")[1] ?? "")
  for (const isIt of [worker, call]) {
    await until("no process of the tests is left", async () => {
      const found = await processesWith(isIt)
      for (const pid of found) kill(pid)
      return found.length === 0
    })
  }
  for (const name of await readdir("/run/netns").catch(() => [])) {
    if (isOrphan(name)) await run("ip", ["netns", "del", name])
  }
}

/** Runs the tests by vitest, shows what it says, and counts what it counts. */
export const survival = async (short: boolean): Promise<void> => {
  say(short ? "short form: fewer runs" : "the full form takes some minutes")
  await using folder = await makeFolder("macvtap-cni-e2e")
  const changes = { NO_COLOR: "1", MACVTAP_CNI_FULL: short ? "" : "1", TMPDIR: folder.path }
  await using tests = startDaemon(process.execPath, [vitest, "run", "--reporter=verbose", "test/survival"], {
    env: { ...process.env, ...changes } as Record<string, string>,
    onLine: (line) => line.trim() !== "" && saidBy("vitest", line.trimEnd())
  })
  const stop = () => process.kill(tests.pid, "SIGINT")
  interrupted.addEventListener("abort", stop)
  const status = await tests.ended
  interrupted.removeEventListener("abort", stop)
  await clearAway(folder.path)
  const counts = {
    passed: count(tests.lines, "passed"),
    failed: count(tests.lines, "failed"),
    skipped: count(tests.lines, "skipped")
  }
  addCounts(counts)
  expect("vitest ran the tests", status === 0 || counts.failed > 0, tests.lines.slice(-5))
}
