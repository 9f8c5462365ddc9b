import { readFileSync } from "node:fs"
import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { parse } from "../../src/command/parse.ts"
import { devicePlugin } from "../../src/device-plugin/command.ts"
import { keys } from "../../src/device-plugin/config/document.ts"
import { parseConfig } from "../../src/device-plugin/config/parseConfig.ts"
import { operations } from "../../src/device-plugin/observe/metrics.ts"

const text = readFileSync(new URL("../../docs/device-plugin.md", import.meta.url), "utf8")
const blocks = (language: string): ReadonlyArray<string> =>
  [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].flatMap(([, kind, block]) =>
    kind === language ? [block ?? ""] : []
  )

describe("docs/device-plugin.md", () => {
  it("has configurations that work", () => {
    const examples = blocks("json")
    assert.isNotEmpty(examples)
    for (const example of examples) assert.isTrue(Result.isSuccess(parseConfig("docs", example)), example)
  })

  it("names every key, and every operation that can fail", () => {
    for (const key of keys) assert.include(text, `| \`${key}\` |`)
    for (const operation of operations) assert.include(text, `\`${operation}\``)
  })

  it("names options that there are", () => {
    const [usage = ""] = blocks("")
    const values: Readonly<Record<string, string>> = { HOST: "127.0.0.1:1", LEVEL: "info" }
    const args = [...usage.matchAll(/\[(--[a-z-]+) ([A-Z]+)/g)].flatMap(([, option = "", kind = ""]) => [
      option,
      values[kind] ?? "/x"
    ])
    assert.lengthOf(args, 10)
    assert.isTrue(Result.isSuccess(parse(devicePlugin.options, args)))
  })
})
