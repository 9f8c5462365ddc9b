/** The workflow files: right by actionlint's judgement, and without any logic of their own. */
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { parse } from "yaml"

const folder = ".github/workflows"
/** rhysd/actionlint, as a Go module: its sums are in Go's checksum database. */
const actionlint = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: ReadonlyArray<{ readonly run?: string }> }>>
}

const files = readdirSync(folder).map((name) => join(folder, name))
const hasGo = spawnSync("go", ["version"]).status === 0

describe("workflows", () => {
  it.skipIf(!hasGo)(
    `actionlint has nothing to say${hasGo ? "" : " (skipped: there is no go to run it with)"}`,
    () => {
      const { status, stdout, stderr } = spawnSync("go", ["run", actionlint, "-no-color", ...files], {
        encoding: "utf8"
      })
      assert.strictEqual(`${stdout}${stderr.replace(/^go: downloading .*\n/gm, "")}`, "")
      assert.strictEqual(status, 0)
    },
    120_000
  )

  it("each step is one command: what CI does is in .ci/run and in npm's scripts", () => {
    const commands = files.flatMap((file) =>
      Object.values((parse(readFileSync(file, "utf8")) as Workflow).jobs).flatMap(({ steps }) =>
        steps.flatMap(({ run }) => (run === undefined ? [] : [run]))
      )
    )
    assert.isAbove(commands.length, 3)
    for (const command of commands) assert.notMatch(command, /[\n;|&]|\bif\b/, command)
    assert.isTrue(commands.some((command) => command.endsWith(" .ci/run")))
    assert.isTrue(commands.some((command) => command.startsWith("npm run release")))
  })
})
