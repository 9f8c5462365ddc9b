/** A kind that is one file and one line works in ADD, CHECK, DEL, GC and STATUS: CONTRIBUTING's example, on the mock. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { vi } from "vitest"
import type { Kernel } from "../../src/mock/Kernel.ts"
import { assertSame } from "../lab/call/assertSame.ts"
import { callOn } from "../lab/call/onMock.ts"
import { invocation, makeNode } from "../lab/call/plain.ts"
import { assertError, assertResult } from "../lab/call/wellFormed.ts"

vi.mock("../../src/link/kinds.ts", async (original) => {
  const [{ registryWith }, { ipvlan }] = await Promise.all([import("../link/registry.ts"), import("../link/ipvlan.ts")])
  return registryWith(original, ipvlan)
})

const conf = { type: "ipvlan", mode: "l3", isolation: "private" }

const linkOf = (kernel: Kernel, pod = "c1") => kernel.inside(`/run/netns/${pod}`).link("net1")

const succeeds = (kernel: Kernel, command: string, call: Parameters<typeof invocation>[1]) =>
  Effect.map(callOn(kernel, invocation(command, call)), ({ status, stdout }) => {
    assert.strictEqual(status, 0, stdout)
    return stdout
  })

const fails = (kernel: Kernel, command: string, call: Parameters<typeof invocation>[1]) =>
  Effect.map(callOn(kernel, invocation(command, call)), ({ stdout }) => assertError(stdout))

describe("a new kind", () => {
  it.effect("is made by ADD with its options, passes CHECK, and is gone after DEL", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const before = kernel.snapshot()
      const result = assertResult(yield* succeeds(kernel, "ADD", { conf }), "1.1.0")
      assert.deepInclude({ ...linkOf(kernel) }, { kind: "ipvlan", up: true, alias: "macvtap-cni:lan/c1/net1" })
      assert.deepInclude({ ...linkOf(kernel).options }, { mode: "l3", isolation: "private" })
      const prevResult = JSON.parse(JSON.stringify(result))
      yield* succeeds(kernel, "CHECK", { conf: { ...conf, prevResult } })
      yield* succeeds(kernel, "DEL", { conf: { ...conf, prevResult } })
      assertSame(kernel.snapshot(), before)
    })
  )

  it.effect("has the table's default where the configuration is silent, and no tap node", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      yield* succeeds(kernel, "ADD", { conf: { type: "ipvlan" } })
      assert.strictEqual(linkOf(kernel).options["mode"], "l2")
      assert.strictEqual(kernel.machine.devtmpfs?.size, 0)
      assert.deepStrictEqual(
        kernel.requests.log.filter((operation) => operation.startsWith("tap")),
        []
      )
    })
  )

  it.effect("is compared by CHECK as its table says", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const prevResult = JSON.parse(yield* succeeds(kernel, "ADD", { conf }))
      const mode = yield* fails(kernel, "CHECK", { conf: { ...conf, mode: "l3s", prevResult } })
      assert.strictEqual(mode.msg, 'link "net1" has "mode" "l3", configured is "l3s"')
      const isolation = yield* fails(kernel, "CHECK", { conf: { ...conf, isolation: "vepa", prevResult } })
      assert.strictEqual(isolation.msg, 'link "net1" has "isolation" "private", configured is "vepa"')
      const kind = yield* fails(kernel, "CHECK", { conf: { type: "macvlan", prevResult } })
      assert.match(kind.msg, /^link "net1" is .* ipvlan, not a macvlan$/)
    })
  )

  it.effect("has its mistakes named by its own keys and values", () =>
    Effect.gen(function* () {
      const { msg } = yield* fails(makeNode(), "ADD", { conf: { ...conf, mode: "bridge" } })
      assert.strictEqual(msg, 'invalid configuration: mode: expected one of l2, l3, l3s, got "bridge"')
      const misspelt = { ...invocation("ADD", { conf: { type: "ipvlam" } }), program: "macvtap-cni" }
      assert.match(
        assertError((yield* callOn(makeNode(), misspelt)).stdout).msg,
        /expected one of macvtap, macvlan, ipvlan, got "ipvlam"/
      )
    })
  )

  it.effect("is collected by GC, which leaves those that are in use, and other kinds", () =>
    Effect.gen(function* () {
      const kernel = makeNode(3)
      for (const pod of ["c1", "c2"]) yield* succeeds(kernel, "ADD", { pod, conf })
      yield* succeeds(kernel, "ADD", { pod: "c3", conf: { type: "macvlan" } })
      const valid = [{ containerID: "c1", ifname: "net1" }]
      yield* succeeds(kernel, "GC", { conf: { type: "ipvlan", "cni.dev/valid-attachments": valid } })
      assert.deepStrictEqual(
        ["c1", "c2", "c3"].map((pod) => kernel.inside(`/run/netns/${pod}`).links().length),
        [2, 1, 2]
      )
    })
  )

  it.effect("is asked for by STATUS, and refused where the kernel has none", () =>
    Effect.gen(function* () {
      yield* succeeds(makeNode(), "STATUS", { conf })
      const lacking = makeNode(1, { kinds: ["macvtap", "macvlan"] })
      assert.match((yield* fails(lacking, "STATUS", { conf })).msg, /ipvlan/)
      assert.match((yield* fails(lacking, "ADD", { conf })).msg, /ipvlan/)
    })
  )

  it.effect("is what the executable makes under its name", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const { status, stdout } = yield* callOn(kernel, {
        ...invocation("ADD", { conf: { ...conf, type: undefined } }),
        program: "ipvlan"
      })
      assert.strictEqual(status, 0, stdout)
      assert.strictEqual(linkOf(kernel).kind, "ipvlan")
    })
  )
})
