/** Attachments beside each other, and beside what others have made. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { candidates } from "../../src/cni/identity/ifindex.ts"
import type { Kernel } from "../../src/mock/Kernel.ts"
import { allLinks, deviceOf } from "../../src/mock/kernel/taps.ts"
import { assertSame } from "../lab/call/assertSame.ts"
import { callOn } from "../lab/call/onMock.ts"
import { foreignTap, invocation, makeNode } from "../lab/call/plain.ts"
import { assertError, assertResult } from "../lab/call/wellFormed.ts"
import { interleavedLayer, turnsOf } from "./any/interleaved.ts"

const add = (kernel: Kernel, call: Parameters<typeof invocation>[1] = {}) => callOn(kernel, invocation("ADD", call))
const del = (kernel: Kernel, call: Parameters<typeof invocation>[1] = {}) => callOn(kernel, invocation("DEL", call))

/** The node of each macvtap leads to that very link. */
const assertOwnNodes = (kernel: Kernel): void => {
  for (const link of allLinks(kernel.machine)) {
    if (link.kind !== "macvtap") continue
    assert.strictEqual(kernel.machine.devtmpfs?.get(`/dev/tap${link.index}`)?.device, deviceOf(link))
  }
}

describe("many ADDs at once", () => {
  const seeds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))

  it.effect.prop(
    "give every pod a tap of its own, and every DEL leaves the others theirs",
    [seeds],
    ([seed]) =>
      Effect.gen(function* () {
        const pods = 24
        const kernel = makeNode(pods)
        const machine = interleavedLayer(kernel, turnsOf(seed))
        const before = kernel.snapshot()
        const conf = { ipam: { type: "host-local", subnet: "10.1.0.0/24" } }
        const calls = Array.from({ length: pods }, (_, index) => ({ pod: `c${index + 1}`, conf }))
        const all = (command: string) =>
          Effect.forEach(calls, (call) => callOn(kernel, invocation(command, call), { machine }), {
            concurrency: "unbounded"
          })
        const answers = yield* all("ADD")
        for (const { status, stdout } of answers) {
          assert.strictEqual(status, 0, stdout)
          assertResult(stdout, "1.1.0")
        }
        assertOwnNodes(kernel)
        yield* all("DEL")
        assertSame(kernel.snapshot(), before)
      }),
    { arbitrary: { runs: 10 } }
  )

  it.effect.prop(
    "give each a tap of its own where all want the same ifindex",
    [seeds],
    ([seed]) =>
      Effect.gen(function* () {
        const pods = 12
        const kernel = makeNode(pods)
        const machine = interleavedLayer(kernel, turnsOf(seed))
        const before = kernel.snapshot()
        // The ifindex follows from the container ID.
        const calls = Array.from({ length: pods }, (_, index) => ({ pod: `c${index + 1}`, containerID: "same" }))
        const all = (command: string) =>
          Effect.forEach(calls, (call) => callOn(kernel, invocation(command, call), { machine }), {
            concurrency: "unbounded"
          })
        for (const { status, stdout } of yield* all("ADD")) assert.strictEqual(status, 0, stdout)
        assertOwnNodes(kernel)
        yield* all("DEL")
        assertSame(kernel.snapshot(), before)
      }),
    { arbitrary: { runs: 30 } }
  )

  it.effect.prop(
    "for one attachment: one has it, the others have not harmed it",
    [seeds],
    ([seed]) =>
      Effect.gen(function* () {
        const kernel = makeNode()
        const machine = interleavedLayer(kernel, turnsOf(seed))
        const answers = yield* Effect.forEach(
          Array.from({ length: 8 }),
          () => callOn(kernel, invocation("ADD"), { machine }),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(answers.map(({ status }) => status).sort(), [0, 1, 1, 1, 1, 1, 1, 1])
        const won = answers.find(({ status }) => status === 0)
        const prevResult = JSON.parse(won?.stdout ?? "")
        const checked = yield* callOn(kernel, invocation("CHECK", { conf: { prevResult } }))
        assert.strictEqual(checked.status, 0, checked.stdout)
        assertOwnNodes(kernel)
      }),
    { arbitrary: { runs: 60 } }
  )

  it.effect.prop(
    "with stops at random: who is stopped leaves nothing, the others have what they asked for",
    [seeds],
    ([seed]) =>
      Effect.gen(function* () {
        const pods = 12
        const kernel = makeNode(pods)
        const turns = turnsOf(seed)
        const machine = interleavedLayer(kernel, turns)
        const before = kernel.snapshot()
        for (let n = 1; n < 200; n++) if (turns() === 0 && turns() === 0) kernel.interruptRequest(n, "after")
        const calls = Array.from({ length: pods }, (_, index) => ({ pod: `c${index + 1}` }))
        const answers = yield* Effect.forEach(calls, (call) => callOn(kernel, invocation("ADD", call), { machine }), {
          concurrency: "unbounded"
        })
        assertOwnNodes(kernel)
        for (const [index, { status, written }] of answers.entries()) {
          assert.strictEqual(written.length, 1)
          assert.strictEqual(kernel.inside(`/run/netns/c${index + 1}`).links().length, status === 0 ? 2 : 1)
        }
        kernel.resetRequests()
        yield* Effect.forEach(calls, (call) => del(kernel, call))
        assertSame(kernel.snapshot(), before)
      }),
    { arbitrary: { runs: 60 } }
  )

  it.effect("where every pod's first choice is one and the same number", () =>
    Effect.gen(function* () {
      // Container ids do not collide by chance: links of others lie where the attachments want to be.
      const kernel = makeNode(6)
      for (let pod = 1; pod <= 3; pod++) {
        const [first = 0, second = 0] = candidates(`c${pod}`, "net1", 2)
        kernel.addLink({ netns: "/run/netns/c5", name: `dummy${pod}`, index: first, kind: "dummy" })
        kernel.addLink({ netns: `/run/netns/c${pod}`, name: "dummy0", index: first, kind: "dummy" })
        kernel.addNode(`/dev/tap${second}`, { device: "246:500", owner: 0, group: 0, mode: 0o600 })
        const { status, stdout } = yield* add(kernel, { pod: `c${pod}` })
        assert.strictEqual(status, 0, stdout)
        assert.notInclude([first, second], kernel.inside(`/run/netns/c${pod}`).link("net1").index)
      }
      assertOwnNodes(kernel)
    })
  )

  it.effect("where another link takes the node between the look and the making", () =>
    Effect.gen(function* () {
      const kernel = makeNode(2)
      const [first = 0] = candidates("c1", "net1", 1)
      kernel.onRequest((_, operation) => {
        const path = `/dev/tap${first}`
        if (operation !== "netlink linkAdd" || kernel.machine.devtmpfs?.has(path)) return
        kernel.addNode(path, { device: "246:900", owner: 0, group: 0, mode: 0o600 })
      })
      const { status, stdout } = yield* add(kernel)
      assert.strictEqual(status, 0, stdout)
      const link = kernel.inside("/run/netns/c1").link("net1")
      assert.notStrictEqual(link.index, first)
      assertOwnNodes(kernel)
      assert.strictEqual(kernel.inside("/run/netns/c1").links().length, 2)
    })
  )
})

describe("a link without an alias, as other plugins make them", () => {
  const resultOf = (mac: string) => ({
    prevResult: { cniVersion: "1.1.0", interfaces: [{ name: "net1", mac, sandbox: "/run/netns/c1" }] }
  })

  it.effect("is in the way of an ADD, until a DEL takes it", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      foreignTap(kernel, "c1", "net1")
      assert.match(assertError((yield* add(kernel)).stdout).msg, /macvtap.*EEXIST/)
      assert.strictEqual((yield* del(kernel)).status, 0)
      assert.strictEqual(kernel.inside("/run/netns/c1").links().length, 1)
      assert.strictEqual((yield* add(kernel)).status, 0)
    })
  )

  it.effect("stays where ADD's result says another MAC address", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      foreignTap(kernel, "c1", "net1")
      const before = kernel.snapshot()
      const { mac = "" } = kernel.inside("/run/netns/c1").link("net1")
      assert.strictEqual((yield* del(kernel, { conf: resultOf("02:00:00:00:00:99") })).status, 0)
      assertSame(kernel.snapshot(), before)
      assert.strictEqual((yield* del(kernel, { conf: resultOf(mac.toUpperCase()) })).status, 0)
      assert.strictEqual(kernel.inside("/run/netns/c1").links().length, 1)
    })
  )
})

describe("ADD for a name that is taken", () => {
  const takers: ReadonlyArray<readonly [string, (kernel: Kernel) => void, RegExp]> = [
    ["a veth", (kernel) => kernel.addVeth({ netns: "/run/netns/c1", name: "net1" }, { name: "v1" }), /veth/],
    ["a dummy", (kernel) => kernel.addLink({ netns: "/run/netns/c1", name: "net1", kind: "dummy" }), /dummy/],
    ["a macvtap with a note", (kernel) => foreignTap(kernel, "c1", "net1", "do not touch"), /macvtap/],
    [
      "another attachment's",
      (kernel) => foreignTap(kernel, "c1", "net1", "macvtap-cni:other/c1/net1"),
      /attachment net1 of container c1 in network other/
    ]
  ]

  for (const [who, take, says] of takers) {
    it.effect(`by ${who} leaves that one alone, also at the DEL that follows`, () =>
      Effect.gen(function* () {
        const kernel = makeNode()
        take(kernel)
        const before = kernel.snapshot()
        const { status, stdout } = yield* add(kernel)
        assert.strictEqual(status, 1)
        const { msg, code } = assertError(stdout, "1.1.0")
        assert.match(msg, /"net1"/)
        assert.match(msg, says)
        assert.match(msg, /EEXIST/)
        assert.notStrictEqual(code, 999)
        assertSame(kernel.snapshot(), before)
        assert.strictEqual((yield* del(kernel)).status, 0)
        assertSame(kernel.snapshot(), before)
      })
    )

    it.effect(`by ${who} leaves an imported device where it was`, () =>
      Effect.gen(function* () {
        const kernel = makeNode()
        take(kernel)
        foreignTap(kernel, "c1", "net9")
        const { macvtap } = yield* Effect.promise(() => import("../../src/link/macvtap.ts"))
        kernel.inside().linkAdd({ kind: macvtap, name: "dev0", parent: 2, mtu: 1400, up: true })
        const before = kernel.snapshot()
        const { status, stdout } = yield* add(kernel, { conf: { deviceID: "dev0" } })
        assert.strictEqual(status, 1)
        assertError(stdout, "1.1.0")
        assertSame(kernel.snapshot(), before)
      })
    )
  }

  it.effect("by the same attachment leaves the first ADD's link and addresses as they are", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const conf = { ipam: { type: "host-local", subnet: "10.1.0.0/24" } }
      assert.strictEqual((yield* add(kernel, { conf })).status, 0)
      const before = kernel.snapshot()
      const again = yield* add(kernel, { conf })
      assert.strictEqual(again.status, 1)
      assert.match(assertError(again.stdout).details ?? "", /this very attachment/)
      assertSame(kernel.snapshot(), before)
    })
  )
})

describe("DEL", () => {
  it.effect("takes one of a container's two attachments", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      yield* add(kernel, { ifname: "net1" })
      const before = kernel.snapshot()
      yield* add(kernel, { ifname: "net2", conf: { name: "second" } })
      yield* del(kernel, { ifname: "net2", conf: { name: "second" } })
      assertSame(kernel.snapshot(), before)
    })
  )

  it.effect("takes no link of the same name that another network made there", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      yield* add(kernel)
      const before = kernel.snapshot()
      for (const call of [{ conf: { name: "other" } }, { containerID: "c9" }, { conf: { type: "macvlan" } }]) {
        assert.strictEqual((yield* del(kernel, call)).status, 0)
        assertSame(kernel.snapshot(), before)
      }
    })
  )

  it.effect("takes a link that was renamed since, and not the stand-in that has its name", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      yield* add(kernel)
      const pod = kernel.inside("/run/netns/c1")
      pod.linkSet("net1", { name: "net1-nic" })
      kernel.addLink({ netns: "/run/netns/c1", name: "net1", kind: "dummy" })
      assert.strictEqual((yield* del(kernel)).status, 0)
      assert.deepStrictEqual(
        pod.links().map(({ name }) => name),
        ["lo", "net1"]
      )
    })
  )

  it.effect("takes a link whose ADD was killed before it could write its alias", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const before = kernel.snapshot()
      yield* add(kernel)
      kernel.inside("/run/netns/c1").linkSet("net1", { alias: "" })
      assert.strictEqual((yield* del(kernel)).status, 0)
      assertSame(kernel.snapshot(), before)
    })
  )

  it.effect("needs neither master nor namespace, nor a configuration that ADD would take", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const before = kernel.snapshot()
      for (const conf of [
        { master: "gone0" },
        { mtu: -1, mode: 5, mac: "nonsense", owner: "root", deviceID: 7, prevResult: "garbage", ipam: 3, dns: [] },
        { prevResult: { cniVersion: "9.9.9", ips: 1 } }
      ]) {
        yield* add(kernel)
        const { status, stdout } = yield* del(kernel, { conf, args: "FOO" })
        assert.strictEqual(status, 0, stdout)
        assertSame(kernel.snapshot(), before)
      }
      for (const netns of ["", "/run/netns/gone"]) assert.strictEqual((yield* del(kernel, { netns })).status, 0)
      assertSame(kernel.snapshot(), before)
    })
  )

  it.effect("releases addresses although the namespace is gone, or is none", () =>
    Effect.gen(function* () {
      const conf = { ipam: { type: "host-local", subnet: "10.1.0.0/24" } }
      const kernel = makeNode()
      kernel.addFile("/etc/passwd", "a regular file")
      for (const [netns, status] of [
        ["", 0],
        ["/run/netns/gone", 0],
        ["/etc/passwd", 1]
      ] as const) {
        yield* add(kernel, { conf })
        const answer = yield* del(kernel, { conf, netns })
        assert.strictEqual(answer.status, status)
        if (status === 1) assert.strictEqual(assertError(answer.stdout).code, 8)
        assert.deepStrictEqual(kernel.snapshot().reservations, {})
        yield* del(kernel, { conf })
      }
    })
  )

  it.effect("takes the link although IPAM fails, and says what IPAM said", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const before = kernel.snapshot()
      yield* add(kernel)
      kernel.plugins.set("broken", () => ({ stdout: JSON.stringify({ code: 104, msg: "no store" }), status: 1 }))
      const { status, stdout } = yield* del(kernel, { conf: { ipam: { type: "broken" } } })
      assert.strictEqual(status, 1)
      assert.deepInclude(assertError(stdout), { code: 104, msg: "no store" })
      assertSame(kernel.snapshot(), before)
    })
  )

  it.effect("gathers the errors of every step", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      yield* add(kernel)
      kernel.plugins.set("broken", () => ({ stdout: JSON.stringify({ code: 104, msg: "no store" }), status: 1 }))
      kernel.resetRequests()
      kernel.onRequest((n, operation) => {
        if (operation === "netlink linkDel") kernel.requests.faults.set(n, { _tag: "Refused", errno: "EBUSY" })
      })
      const { stdout } = yield* del(kernel, { conf: { ipam: { type: "broken" } } })
      const { msg, code } = assertError(stdout)
      assert.strictEqual(code, 104)
      assert.match(msg, /no store/)
      assert.match(msg, /EBUSY/)
    })
  )
})

describe("a link without addresses", () => {
  it.effect.each([
    ["macvtap", "1"],
    ["macvlan", "0"]
  ])("of kind %s has IPv6 switched off: %s", ([type, disabled]) =>
    Effect.gen(function* () {
      const kernel = makeNode()
      assert.strictEqual((yield* callOn(kernel, invocation("ADD", { conf: { type } }))).status, 0)
      assert.strictEqual(kernel.inside("/run/netns/c1").sysctl("net/ipv6/conf/net1/disable_ipv6"), disabled)
    })
  )
})
