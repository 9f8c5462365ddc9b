/** What the documents promise of files, examples and keys is so. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { callOn } from "../lab/call/onMock.ts"
import { invocation, makeNode } from "../lab/call/plain.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const read = (file: string): string => readFileSync(resolve(root, file), "utf8")
const documents = globSync(["*.md", "docs/**/*.md", "deploy/**/*.md", "bench/*.md"], { cwd: root }).sort()

describe("documents", () => {
  it.each(documents)("%s links to files that are there", (document) => {
    const paths = [...read(document).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, path = ""]) => path)
    const missing = paths.filter((path) => !existsSync(resolve(root, dirname(document), path)))
    assert.deepStrictEqual(missing, [])
  })

  it("README names the documents of docs/ and those beside it", () => {
    const named = ["deploy/README.md", "SECURITY.md", ...globSync("docs/*.md", { cwd: root })]
    assert.deepStrictEqual(
      named.filter((path) => !read("README.md").includes(`(${path})`)),
      []
    )
  })
})

describe("docs/configuration.md", () => {
  const text = read("docs/configuration.md")
  const example = JSON.parse(/```json\n([\s\S]*?)```/.exec(text)?.[1] ?? "")

  it.effect("has an example that ADD takes", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const answer = yield* callOn(kernel, { ...invocation("ADD"), stdin: example })
      assert.strictEqual(answer.status, 0, answer.stdout)
      assert.strictEqual(kernel.inside("/run/netns/c1").link("net1").mtu, example.mtu)
    })
  )

  it("names keys that the sources read, and no others", () => {
    const keys = [...text.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, key = ""]) => key)
    )
    assert.isAbove(keys.length, 20)
    const sources = globSync(["src/cni/config/*.ts", "src/cni/result/*.ts", "src/link/*.ts"], { cwd: root }).map(read)
    const unread = keys.filter((key) => {
      const name = key.split(".").at(-1) ?? ""
      return !sources.some((source) => new RegExp(`\\b${name}\\b`).test(source))
    })
    assert.deepStrictEqual(unread, [])
  })
})
