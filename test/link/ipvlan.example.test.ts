/**
 * A new kind is one file and one line: here is the file, `ipvlan.ts`, and the line is in the mock of the registry.
 * What every command does with it is in test/plugin/newKind.test.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import { vi } from "vitest"
import { kindByName } from "../../src/link/kinds.ts"
import { linkAdd } from "../../src/netlink/requests.ts"
import { golden, request } from "../goldens/golden.ts"
import { toTree } from "../netlink/tree.ts"
import { assertKind } from "./assertKind.ts"
import { ipvlan } from "./ipvlan.ts"

vi.mock("../../src/link/kinds.ts", async (original) => {
  const [{ registryWith }, { ipvlan }] = await Promise.all([import("./registry.ts"), import("./ipvlan.ts")])
  return registryWith(original, ipvlan)
})

describe("ipvlan", () => {
  assertKind(ipvlan)

  it("is found by its name", () => {
    assert.strictEqual(kindByName("ipvlan"), ipvlan)
  })

  it("is asked for as ip asks for it", () => {
    const options = { mode: "l3s", isolation: "private" }
    const ours = linkAdd({ kind: ipvlan, name: "ipv0", parent: 10, index: 79, options })
    assert.deepStrictEqual(toTree(ours), toTree(request(golden("ipvlan-add"), ours.type)))
  })
})
