/** What IPAM allotted, on its way to the link. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { answered } from "../../src/mock/hostLocal.ts"
import type { KernelOptions } from "../../src/mock/Kernel.ts"
import { assertSame } from "../lab/call/assertSame.ts"
import { callOn } from "../lab/call/onMock.ts"
import { invocation, makeNode } from "../lab/call/plain.ts"
import { assertError } from "../lab/call/wellFormed.ts"

type Ips = Parameters<typeof answered>[1]
type Routes = Parameters<typeof answered>[2]

const ipv6 = [{ address: "fd00:9::5/64" }]

/** A node whose IPAM plugin answers that. */
const nodeWith = (ips: Ips, routes: Routes = [], options: KernelOptions = {}) => {
  const kernel = makeNode(1, options)
  const asked: Array<string | undefined> = []
  kernel.plugins.set("ipam", ({ env }) => {
    asked.push(env["CNI_COMMAND"])
    return env["CNI_COMMAND"] === "ADD" ? answered("1.1.0", ips, routes) : { stdout: "" }
  })
  return { kernel, asked, add: callOn(kernel, invocation("ADD", { conf: { ipam: { type: "ipam" } } })) }
}

describe("what IPAM allotted is refused, released, and leaves nothing", () => {
  const cases: ReadonlyArray<readonly [string, Ips, Routes, KernelOptions, RegExp]> = [
    ["without an address", [], [], {}, /missing IP config/],
    [
      "with an address that another machine has",
      ipv6,
      [],
      { duplicates: ["fd00:9::5"] },
      /^link net1 has address fd00:9::5 in DADFAILED state$/
    ],
    [
      "with a route to a host instead of a network",
      [{ address: "10.9.0.5/24" }],
      [{ dst: "10.20.0.1/16" }],
      {},
      /^route dst "10\.20\.0\.1\/16" has bits set beyond its prefix$/
    ]
  ]

  it.effect.each(cases)("%s", ([, ips, routes, options, says]) =>
    Effect.gen(function* () {
      const { kernel, asked, add } = nodeWith(ips, routes, options)
      const before = kernel.snapshot()
      const { stdout } = yield* add
      assert.match(assertError(stdout).msg, says)
      assert.deepStrictEqual(asked, ["ADD", "DEL"])
      assertSame(kernel.snapshot(), before)
    })
  )
})

describe("an IPv6 address", () => {
  /** How many sysctls an ADD writes, where IPv6 is as `disabled` says. */
  const writes = Effect.fnUntraced(function* (disabled: "0" | "1") {
    const { kernel, add } = nodeWith(ipv6)
    const pod = kernel.inside("/run/netns/c1")
    pod.sysctlSet("net/ipv6/conf/all/disable_ipv6", disabled)
    const { status, stdout } = yield* add
    assert.strictEqual(status, 0, stdout)
    for (const name of ["lo", "net1"]) assert.strictEqual(pod.sysctl(`net/ipv6/conf/${name}/disable_ipv6`), "0")
    assert.strictEqual(pod.sysctl("net/ipv6/conf/net1/keep_addr_on_down"), "1")
    return kernel.requests.log.filter((name) => name === "netns sysctlSet").length
  })

  it.effect("switches IPv6 on for the link and for lo, where it is off, and writes nothing where it is on", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* writes("1")) - (yield* writes("0")), 2)
    })
  )
})
