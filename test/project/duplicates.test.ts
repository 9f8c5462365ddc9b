/** No two places say the same in six lines or more, but where a comment beside one says why. */
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))

const files = globSync(["src/**/*.ts", "test/**/*.ts", "bench/**/*.ts", "scripts/**/*.ts"], { cwd: root })
  .filter((file) => !file.endsWith("api/v1beta1.ts"))
  .sort()

const enough = 6

interface Line {
  readonly number: number
  readonly text: string
}

/** A comment that begins so says why what follows it stands elsewhere too, as far as the next thirty lines. */
const reason = /^\/\/ As in \S+, since /

/** The lines that say something: no blank ones, no imports, no brackets alone. */
const linesOf = (file: string): ReadonlyArray<Line> => {
  const text = readFileSync(`${root}/${file}`, "utf8").replace(/^import [^;]*?from "[^"]*"$/gm, (found) =>
    found.replace(/[^\n]/g, "")
  )
  return text
    .split("\n")
    .map((line, index) => ({ number: index + 1, text: line.trim() }))
    .filter(({ text }) => /[A-Za-z0-9]/.test(text))
}

it("no six lines stand in two places", () => {
  const seen = new Map<string, string>()
  const found: Array<string> = []
  for (const file of files) {
    const lines = linesOf(file)
    const allowed = lines.filter(({ text }) => reason.test(text)).map(({ number }) => number)
    for (let at = 0; at + enough <= lines.length; at++) {
      const window = lines.slice(at, at + enough)
      const { number, text } = lines[at] ?? { number: 0, text: "" }
      const key = window.map(({ text }) => text).join("\n")
      if (allowed.some((line) => line <= number && number <= line + 30)) continue
      const place = `${file}:${number}`
      const first = seen.get(key)
      if (first === undefined) seen.set(key, place)
      else found.push(`${first} and ${place}: ${text}`)
    }
  }
  assert.deepStrictEqual(found, [])
})
