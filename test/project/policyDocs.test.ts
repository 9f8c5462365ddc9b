/** docs/policy.md says what is so. */
import { readFileSync } from "node:fs"
import * as Result from "effect/Result"
import { assert, it } from "vitest"
import { decodePolicy } from "../../src/cni/policy/Policy.ts"
import { policyPath } from "../../src/services/PolicyService.ts"

const text = readFileSync("docs/policy.md", "utf8")

it("its example is a policy, and has every key of the table", () => {
  const example = /```json\n([^`]*)```/.exec(text)?.[1] ?? ""
  const policy = Result.getOrThrow(decodePolicy(example))
  assert.deepStrictEqual(
    policy.rules.map(({ called }) => called),
    ['rule "everybody"', 'rule "lab"', 'rule "routers"']
  )
  const table = text.slice(text.indexOf("| key of a rule"), text.indexOf("`namespaces`, `masters` and"))
  const keys = table
    .split("\n")
    .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, key]) => key))
  const used = JSON.parse(example).rules.flatMap((rule: object) => Object.keys(rule))
  assert.sameMembers(keys, [...new Set(used)])
  assert.include(text, policyPath)
})
