/**
 * `npm run mutants [-- <words>]`: makes each edit of the lists in a copy of the project, and runs the tests that should
 * notice. Prints the edits that no test noticed. With words, only edits of whose file's path, or a test's, one is a part.
 */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Folder, makeFolder } from "../lab/folder.ts"
import { run } from "../lab/run.ts"
import { attackEdits } from "./attacks.ts"
import { commandEdits } from "./commands.ts"
import { devicePluginEdits } from "./devicePlugin.ts"
import { applied, type Edit, inWords } from "./Edit.ts"
import { liveEdits } from "./live.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const atOnce = 2
/** Milliseconds. Whatever takes longer hangs, and that is noticed. */
const limit = 240_000

/** The project without what is made from it; "the executable" of its tests are its sources, on Node. */
const makeCopy = async (): Promise<Folder> => {
  const folder = await makeFolder("mutants")
  const left = ["node_modules", "dist", ".git"].map((name) => join(root, name))
  cpSync(root, folder.path, { recursive: true, filter: (path) => !left.includes(path.replace(/\/$/, "")) })
  symlinkSync(join(root, "node_modules"), join(folder.path, "node_modules"))
  const script = `#!/bin/sh\nexec "${process.execPath}" "${folder.path}/src/main.ts" "$@"\n`
  writeFileSync(join(folder.path, "executable"), script, { mode: 0o755 })
  return folder
}

type Verdict = "noticed" | "survived"

const runTests = async (copy: Folder, tests: ReadonlyArray<string>): Promise<{ verdict: Verdict; said: string }> => {
  const files = tests.map((test) => `test/${test}`)
  const { status, stdout, stderr } = await run(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", "--bail", "1", ...files],
    {
      cwd: copy.path,
      env: {
        PATH: process.env["PATH"] ?? "",
        MACVTAP_CNI_EXECUTABLE: join(copy.path, "executable"),
        MACVTAP_CNI_CLIENT: ""
      },
      timeout: limit
    }
  )
  return { verdict: status === 0 ? "survived" : "noticed", said: stdout + stderr }
}

const judge = async (copy: Folder, edit: Edit): Promise<Verdict> => {
  const file = join(copy.path, "src", edit.file)
  const text = readFileSync(file, "utf8")
  writeFileSync(file, applied(edit, text))
  try {
    // One after the other: the first are quick, and notice most.
    for (const test of edit.tests) if ((await runTests(copy, [test])).verdict === "noticed") return "noticed"
    return "survived"
  } finally {
    writeFileSync(file, text)
  }
}

/** Does all of it, some at a time, each worker in a copy of its own. */
const each = async <A>(items: ReadonlyArray<A>, work: (copy: Folder, item: A) => Promise<void>): Promise<void> => {
  const waiting = items.values()
  const worker = async () => {
    await using copy = await makeCopy()
    for (const item of waiting) await work(copy, item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

const main = async (words: ReadonlyArray<string>): Promise<number> => {
  const edits = [...commandEdits, ...liveEdits, ...devicePluginEdits, ...attackEdits].filter(
    ({ file, tests }) =>
      words.length === 0 || words.some((word) => [file, ...tests].some((path) => path.includes(word)))
  )
  for (const edit of edits) applied(edit, readFileSync(join(root, "src", edit.file), "utf8"))
  {
    await using copy = await makeCopy()
    const { verdict, said } = await runTests(copy, [...new Set(edits.flatMap(({ tests }) => tests))])
    if (verdict === "noticed") {
      console.log(`a test fails without any edit:\n${said}`)
      return 1
    }
  }
  const counts = { noticed: 0, survived: 0, argued: 0 }
  console.log(`${edits.length} edits; their tests pass without them`)
  await each(edits, async (copy, edit) => {
    const verdict = await judge(copy, edit)
    const { argued } = edit
    if (argued === undefined) {
      counts[verdict]++
      if (verdict === "survived") console.log(`SURVIVED ${inWords(edit)}; not noticed by ${edit.tests.join(", ")}`)
    } else if (verdict === "noticed") {
      counts.noticed++
      console.log(`noticed, though argued for: ${inWords(edit)}`)
    } else {
      counts.argued++
      console.log(`survived as argued: ${inWords(edit)}: ${argued}`)
    }
  })
  console.log(`${counts.noticed} noticed, ${counts.survived} survived, ${counts.argued} survived as argued`)
  return counts.survived === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
