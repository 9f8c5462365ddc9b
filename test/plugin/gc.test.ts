/** GC removes this network's stale links, wherever they are, and nothing else. STATUS says whether an ADD could work. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Kernel } from "../../src/mock/Kernel.ts"
import { callOn } from "../lab/call/onMock.ts"
import { foreignTap, invocation, makeNode, network } from "../lab/call/plain.ts"
import { assertError } from "../lab/call/wellFormed.ts"

interface Attachment {
  readonly network: "lan" | "wan"
  readonly kind: "macvtap" | "macvlan"
  readonly pod: string
  readonly ifname: string
}

const idle = { CNI_CONTAINERID: "", CNI_NETNS: "", CNI_IFNAME: "", CNI_ARGS: "" }

const gc = (kernel: Kernel, conf: object) => callOn(kernel, invocation("GC", { env: idle, conf }))

const there = (kernel: Kernel, { pod, ifname }: Attachment): boolean =>
  kernel
    .inside(`/run/netns/${pod}`)
    .links()
    .some(({ name }) => name === ifname)

const key = ({ pod, ifname }: Attachment) => ({ containerID: pod, ifname })

const pods = ["c1", "c2", "c3"] as const
const Attachments = Schema.Array(
  Schema.Struct({
    network: Schema.Literals(["lan", "wan"]),
    kind: Schema.Literals(["macvtap", "macvlan"]),
    pod: Schema.Literals(pods),
    valid: Schema.Boolean
  })
)

describe("GC", () => {
  it.effect.prop(
    "takes exactly the network's links whose attachment is not listed",
    [Attachments, Schema.Boolean],
    ([drawn, oldKey]) =>
      Effect.gen(function* () {
        const kernel = makeNode(pods.length)
        foreignTap(kernel, "c1", "theirs", "somebody's")
        const made = drawn.map((one, index): Attachment & { readonly valid: boolean } => ({
          ...one,
          ifname: `n${index}`
        }))
        for (const one of made) {
          const { network: name, kind: type, pod, ifname } = one
          const answer = yield* callOn(kernel, invocation("ADD", { pod, ifname, conf: { name, type } }))
          assert.strictEqual(answer.status, 0, answer.stdout)
        }
        const valid = made.filter((one) => one.valid).map(key)
        const conf = oldKey ? { "cni.dev/attachments": valid } : { "cni.dev/valid-attachments": valid }
        const answer = yield* gc(kernel, conf)
        assert.deepStrictEqual([answer.status, answer.written], [0, []])
        for (const one of made) {
          const collected = one.network === "lan" && one.kind === "macvtap" && !one.valid
          assert.strictEqual(there(kernel, one), !collected, JSON.stringify(one))
        }
        assert.isDefined(kernel.inside("/run/netns/c1").link("theirs"))
        assert.deepStrictEqual(kernel.snapshot().openHandles, { namespaces: 0, sockets: 0 })
      }),
    { arbitrary: { runs: 60 } }
  )

  const attached = Effect.fnUntraced(function* (count: number) {
    const kernel = makeNode(count)
    const conf = { ipam: { type: "host-local", subnet: "10.1.0.0/24" } }
    for (let pod = 1; pod <= count; pod++) yield* callOn(kernel, invocation("ADD", { pod: `c${pod}`, conf }))
    const names = () =>
      pods.slice(0, count).filter((pod) => there(kernel, { network: "lan", kind: "macvtap", pod, ifname: "net1" }))
    return { kernel, conf, names }
  })

  it.effect("takes all where no list is given, as cnitool says it, and IPAM's too", () =>
    Effect.gen(function* () {
      const { kernel, conf, names } = yield* attached(2)
      assert.strictEqual((yield* gc(kernel, conf)).status, 0)
      assert.deepStrictEqual(names(), [])
      assert.deepStrictEqual(kernel.snapshot().reservations, {})
    })
  )

  it.effect("forwards the list to IPAM", () =>
    Effect.gen(function* () {
      const { kernel, conf, names } = yield* attached(2)
      const valid = [{ containerID: "c2", ifname: "net1" }]
      assert.strictEqual((yield* gc(kernel, { ...conf, "cni.dev/valid-attachments": valid })).status, 0)
      assert.deepStrictEqual(names(), ["c2"])
      assert.strictEqual(kernel.snapshot().reservations["host-local"]?.length, 1)
    })
  )

  it.effect.each([
    { "cni.dev/valid-attachments": "c1" },
    { "cni.dev/valid-attachments": [{ containerID: "c1" }] },
    { "cni.dev/valid-attachments": [{ containerID: 1, ifname: "net1" }] },
    { "cni.dev/valid-attachments": [null] }
  ])("takes nothing by a list that it cannot read: %j", (list) =>
    Effect.gen(function* () {
      const { kernel, conf, names } = yield* attached(2)
      const answer = yield* gc(kernel, { ...conf, ...list })
      assert.strictEqual(answer.status, 1)
      assert.include(assertError(answer.stdout, "1.1.0").msg, "cni.dev/valid-attachments")
      assert.deepStrictEqual(names(), ["c1", "c2"])
    })
  )

  it.effect("looks into namespaces that only a process holds", () =>
    Effect.gen(function* () {
      const { kernel, conf } = yield* attached(1)
      kernel.bindNetns("/proc/4711/ns/net", "/run/netns/c1")
      kernel.removeNetns("/run/netns/c1")
      assert.strictEqual((yield* gc(kernel, conf)).status, 0)
      const left = kernel.inside("/proc/4711/ns/net").links()
      assert.deepStrictEqual(
        left.map(({ name }) => name),
        ["lo"]
      )
    })
  )

  it.effect("goes on where one link cannot be removed, and IPAM fails, and says both", () =>
    Effect.gen(function* () {
      const { kernel, names } = yield* attached(3)
      let seen = 0
      kernel.onRequest((n, operation) => {
        if (operation === "netlink linkDel" && ++seen === 2)
          kernel.requests.faults.set(n, { _tag: "Refused", errno: "EBUSY" })
      })
      kernel.plugins.set("broken", () => ({ stdout: JSON.stringify({ code: 104, msg: "no store" }), status: 1 }))
      const answer = yield* gc(kernel, { ipam: { type: "broken" } })
      assert.strictEqual(answer.status, 1)
      const { msg } = assertError(answer.stdout)
      assert.match(msg, /EBUSY/)
      assert.match(msg, /no store/)
      assert.strictEqual(names().length, 1)
    })
  )

  it.effect("is no command before 1.1.0", () =>
    Effect.gen(function* () {
      const { kernel, names } = yield* attached(1)
      const answer = yield* gc(kernel, { cniVersion: "1.0.0" })
      assert.deepInclude(assertError(answer.stdout), { code: 1, msg: "config version does not allow GC" })
      assert.deepStrictEqual(names(), ["c1"])
    })
  )
})

describe("STATUS", () => {
  const status = (kernel: Kernel, conf: object = {}) => callOn(kernel, invocation("STATUS", { env: idle, conf }))

  it.effect("is silent where an ADD could work", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const before = kernel.snapshot()
      for (const conf of [{}, { master: undefined }, { type: "macvlan" }, { ipam: { type: "host-local" } }]) {
        const answer = yield* status(kernel, conf)
        assert.deepStrictEqual([answer.status, answer.written], [0, []])
      }
      assert.deepStrictEqual(kernel.snapshot(), before)
    })
  )

  it.effect("is 50 where the master is missing, or the kernel has no such links", () =>
    Effect.gen(function* () {
      const without = yield* status(makeNode(), { master: "eth7" })
      assert.deepInclude(assertError(without.stdout, "1.1.0"), { code: 50 })
      assert.match(assertError(without.stdout).msg, /"eth7"/)
      const lost = makeNode()
      lost.inside().routeDel("0.0.0.0", 0)
      assert.strictEqual(assertError((yield* status(lost, { type: "macvlan", master: "" })).stdout).code, 50)
      assert.strictEqual((yield* status(lost, { master: "" })).status, 0)
      const bare = makeNode(1, { kinds: ["macvlan"] })
      assert.strictEqual(assertError((yield* status(bare)).stdout).code, 50)
      assert.strictEqual((yield* status(bare, { type: "macvlan" })).status, 0)
    })
  )

  it.effect("needs no master where it is the pod's", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* status(makeNode(), { master: "eth7", linkInContainer: true })).status, 0)
    })
  )

  it.effect("passes IPAM's error on, unchanged", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const error = { code: 51, msg: "store is full", details: "of addresses" }
      kernel.plugins.set("broken", () => ({ stdout: JSON.stringify(error), status: 1 }))
      const { stdout } = yield* status(kernel, { ipam: { type: "broken" } })
      assert.deepStrictEqual(assertError(stdout), { cniVersion: "1.1.0", ...error })
      const missing = yield* status(kernel, { ipam: { type: "gone" } })
      assert.match(assertError(missing.stdout).msg, /failed to find plugin "gone" in path \[\/opt\/cni\/bin\]/)
    })
  )

  it.effect("refuses what ADD would refuse", () =>
    Effect.gen(function* () {
      for (const conf of [{ mode: "brigde" }, { mtu: "1500" }, { owner: -1 }]) {
        const { stdout } = yield* status(makeNode(), conf)
        assert.strictEqual(assertError(stdout).code, 7)
      }
      assert.strictEqual(network.type, "macvtap")
    })
  )
})
