/** What others do between two requests of a call: nothing of theirs is taken, and nothing of ours is left. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { candidates } from "../../src/cni/identity/ifindex.ts"
import { deviceIndex } from "../../src/devices/deviceID.ts"
import { deviceName } from "../../src/devices/deviceName.ts"
import { defaultStateFolder, nodePath } from "../../src/devices/resources.ts"
import { macvtap } from "../../src/link/macvtap.ts"
import type { Kernel } from "../../src/mock/Kernel.ts"
import { deviceOf } from "../../src/mock/kernel/taps.ts"
import { assertSame } from "../lab/call/assertSame.ts"
import { callOn } from "../lab/call/onMock.ts"
import { invocation, makeNode } from "../lab/call/plain.ts"
import { assertError } from "../lab/call/wellFormed.ts"

const c1 = "/run/netns/c1"
/** Another pod's node, of no link that this kernel knows. */
const theirs = { device: "246:77", owner: 0, group: 0, mode: 0o600 }
const ipam = { ipam: { type: "ipam" } }

/** An IPAM plugin that refuses, after something else has happened. */
const refusingAfter = (kernel: Kernel, befall: () => void): void => {
  kernel.plugins.set("ipam", ({ env }) => {
    if (env["CNI_COMMAND"] !== "ADD") return { stdout: "" }
    befall()
    return { stdout: JSON.stringify({ code: 107, msg: "no more addresses" }), status: 1 }
  })
}

/** Does it once, before the first request of that name. */
const atFirst = (kernel: Kernel, operation: string, act: () => void): void => {
  let done = false
  kernel.onRequest((_, name) => {
    if (done || name !== operation) return
    done = true
    act()
  })
}

const named = (kernel: Kernel, name: string) => kernel.inside(c1).link(name)

/** An import that waits for its addresses while `befall` does something to the link, whose ifindex it is given; it fails. */
const importMeanwhile = Effect.fnUntraced(function* (kernel: Kernel, befall: (index: number) => void) {
  makeDevice(kernel)
  refusingAfter(kernel, () => {
    const { index } = named(kernel, "net1")
    kernel.inside(c1).linkDel(index)
    befall(index)
  })
  const answer = yield* callOn(kernel, invocation("ADD", { conf: { ...ipam, deviceID: "dev0" } }))
  assert.strictEqual(assertError(answer.stdout).code, 107)
})

const makeDevice = (kernel: Kernel): void => {
  kernel.inside().linkAdd({ kind: macvtap, name: "dev0", parent: 2, index: 700, mac: "02:de:00:00:00:01", up: true })
}

describe("while ADD waits for its addresses", () => {
  it.effect("its link is replaced by another of the same ifindex: that one stays", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      refusingAfter(kernel, () => {
        const { index } = named(kernel, "net1")
        kernel.inside(c1).linkDel(index)
        kernel.inside().linkAdd({ kind: macvtap, name: "moving", parent: 2, index: 900 })
        const pod = [...kernel.machine.netnses].find(({ paths }) => paths.has(c1))
        const link = kernel.machine.host.links.get(900)
        if (pod === undefined || link === undefined) throw new Error("no such link or pod")
        kernel.machine.host.links.delete(900)
        pod.links.set(index, Object.assign(link, { netns: pod, index, name: "theirs" }))
      })
      const answer = yield* callOn(kernel, invocation("ADD", { conf: ipam }))
      assert.strictEqual(assertError(answer.stdout).code, 107)
      assert.strictEqual(named(kernel, "theirs").kind, "macvtap")
    })
  )

  it.effect("its imported link is replaced by the pod's own, on another parent: that one is not put on the host", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      yield* importMeanwhile(kernel, (index) => {
        kernel.addLink({ netns: c1, name: "up0", index: 9 })
        kernel.inside(c1).linkAdd({ kind: macvtap, name: "net1", parent: 9, index })
      })
      assert.strictEqual(named(kernel, "net1").parent?.index, 9)
      assert.deepStrictEqual(
        kernel
          .inside()
          .links()
          .map(({ name }) => name)
          .sort(),
        ["eth0", "lo"]
      )
      assert.isTrue(kernel.logged.some(({ line }) => line.startsWith("could not put back dev0")))
    })
  )

  it.effect("its imported link is replaced by one of another kind: that one stays", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      yield* importMeanwhile(kernel, (index) => kernel.addLink({ netns: c1, name: "net1", index, kind: "dummy" }))
      assert.strictEqual(named(kernel, "net1").kind, "dummy")
    })
  )
})

describe("while ADD makes its link", () => {
  for (const errno of ["ENOBUFS", "EMSGSIZE", "ETIMEDOUT", "EPROTO"]) {
    it.effect(`the answer is lost (${errno}): the link is taken back`, () =>
      Effect.gen(function* () {
        const kernel = makeNode()
        const untouched = kernel.snapshot()
        kernel.onRequest((n, operation) => {
          if (operation === "netlink linkAdd") kernel.requests.faults.set(n, { _tag: "Lost", errno })
        })
        const answer = yield* callOn(kernel, invocation("ADD"))
        assert.include(assertError(answer.stdout).msg, errno)
        assertSame(kernel.snapshot(), untouched)
      })
    )
  }

  it.effect("another's node takes the name of its own: it is not given away, and the next ifindex is tried", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const [index = 0] = candidates("c1", "net1", 1)
      atFirst(kernel, "netlink linkAdd", () => kernel.addNode(`/dev/tap${index}`, theirs))
      const answer = yield* callOn(kernel, invocation("ADD"))
      assert.strictEqual(answer.status, 0, answer.stdout)
      assert.deepStrictEqual(kernel.machine.devtmpfs?.get(`/dev/tap${index}`), theirs)
      assert.notStrictEqual(named(kernel, "net1").index, index)
    })
  )
})

describe("while ADD imports a link", () => {
  it.effect("another's node takes the name of its own: it is not given away, and the link is put back", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      makeDevice(kernel)
      atFirst(kernel, "netlink linkSet", () => {
        kernel.machine.devtmpfs?.delete("/dev/tap700")
        kernel.addNode("/dev/tap700", theirs)
      })
      const answer = yield* callOn(kernel, invocation("ADD", { conf: { deviceID: "dev0" } }))
      const { code, msg } = assertError(answer.stdout)
      assert.deepStrictEqual([code, msg], [11, '/dev/tap700 is not the tap of link "net1"'])
      assert.deepStrictEqual(kernel.machine.devtmpfs?.get("/dev/tap700"), theirs)
      assert.deepInclude({ ...kernel.inside().link("dev0") }, { index: 700, up: true })
    })
  )

  it.effect("whose node was another's from the start: it gets one of its own, under another ifindex", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      kernel.addNode("/dev/tap700", theirs)
      makeDevice(kernel)
      const answer = yield* callOn(kernel, invocation("ADD", { conf: { deviceID: "dev0" } }))
      assert.strictEqual(answer.status, 0, answer.stdout)
      const { index } = named(kernel, "net1")
      assert.notStrictEqual(index, 700)
      assert.deepInclude(kernel.machine.devtmpfs?.get(`/dev/tap${index}`), { owner: 107, group: 107 })
      assert.deepStrictEqual(kernel.machine.devtmpfs?.get("/dev/tap700"), theirs)
    })
  )

  const givenAway = { owner: 1000, group: 1001, mode: 0o640 }

  /** A device whose node somebody was given is imported; IPAM refuses, after something else has happened. */
  const importGiven = Effect.fnUntraced(function* (kernel: Kernel, befall: () => void) {
    makeDevice(kernel)
    Object.assign(kernel.machine.devtmpfs?.get("/dev/tap700") ?? {}, givenAway)
    const before = kernel.snapshot()
    refusingAfter(kernel, befall)
    const answer = yield* callOn(kernel, invocation("ADD", { conf: { ...ipam, deviceID: "dev0" } }))
    assert.strictEqual(assertError(answer.stdout).code, 107)
    assert.strictEqual(kernel.inside().link("dev0").index, 700)
    return before
  })

  it.effect("which fails: the node is given back to whom it was", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const before = yield* importGiven(kernel, () => {
        assert.deepInclude(kernel.machine.devtmpfs?.get("/dev/tap700"), { owner: 107, group: 107 })
      })
      assert.deepInclude(kernel.machine.devtmpfs?.get("/dev/tap700"), givenAway)
      assert.deepStrictEqual(kernel.snapshot().nodes, before.nodes)
    })
  )

  it.effect("which fails, and another's node has taken the name of its own: that one is given to nobody", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      yield* importGiven(kernel, () => kernel.addNode("/dev/tap700", theirs))
      assert.deepStrictEqual(kernel.machine.devtmpfs?.get("/dev/tap700"), theirs)
    })
  )

  it.effect("of the device plugin's that fails once it has moved: the device's node leads to it still", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const deviceID = "dataplaneMvp3"
      const host = kernel.inside()
      const index = deviceIndex({ resource: "dataplane", ordinal: 3 })
      const node = nodePath(defaultStateFolder, deviceID)
      host.linkAdd({ kind: macvtap, name: "lower", parent: 2 })
      host.linkAdd({ kind: macvtap, name: deviceName(deviceID), parent: 2, index })
      const numberNow = () => [...kernel.machine.host.links.values()].filter((it) => it.index === index).map(deviceOf)
      const [number = ""] = numberNow()
      kernel.machine.stateFolder.resources = {
        dataplane: { lowerDevice: "eth0", mode: "bridge", capacity: 4, standalone: true }
      }
      kernel.machine.stateFolder.nodes.set(node, { device: number, owner: 107, group: 107, mode: 0o660 })
      // A lower number is free from now on: each move takes the lowest.
      host.linkDel("lower")
      atFirst(kernel, "netlink linkSet", () => kernel.failRequest(1, "EIO"))
      const answer = yield* callOn(kernel, invocation("ADD", { conf: { deviceID } }))
      assert.match(assertError(answer.stdout).msg, /EIO/)
      const [back = ""] = numberNow()
      assert.notStrictEqual(back, number)
      assert.strictEqual(kernel.machine.stateFolder.nodes.get(node)?.device, back)
    })
  )
})

describe("while DEL removes a link", () => {
  it.effect("it goes by itself: DEL has succeeded", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      yield* callOn(kernel, invocation("ADD"))
      atFirst(kernel, "netlink linkDel", () => kernel.removeLink(c1, "net1"))
      const answer = yield* callOn(kernel, invocation("DEL"))
      assert.deepStrictEqual([answer.status, answer.stdout], [0, ""])
      assert.include(kernel.requests.log, "netlink linkDel")
    })
  )
})

describe("while GC looks around", () => {
  const stale = { "cni.dev/valid-attachments": [] }

  it.effect("a namespace ends: the others are collected, and GC has succeeded", () =>
    Effect.gen(function* () {
      const kernel = makeNode(2)
      for (const pod of ["c1", "c2"]) yield* callOn(kernel, invocation("ADD", { pod }))
      atFirst(kernel, "netns open", () => kernel.removeNetns(c1))
      const answer = yield* callOn(kernel, invocation("GC", { conf: stale }))
      assert.deepStrictEqual([answer.status, answer.stdout], [0, ""])
      assert.lengthOf(kernel.inside("/run/netns/c2").links(), 1)
    })
  )

  it.effect("a stale link goes by itself: GC has succeeded", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      yield* callOn(kernel, invocation("ADD"))
      atFirst(kernel, "netlink linkDel", () => kernel.removeLink(c1, "net1"))
      const answer = yield* callOn(kernel, invocation("GC", { conf: stale }))
      assert.deepStrictEqual([answer.status, answer.stdout], [0, ""])
    })
  )
})

describe("a reserved device", () => {
  const node = (): Kernel => {
    const kernel = makeNode()
    kernel.machine.stateFolder.resources = {
      dataplane: { lowerDevice: "eth0", mode: "vepa", capacity: 4, standalone: false }
    }
    return kernel
  }

  it.effect.each([
    [{ mode: "bridge" }, /^"mode" is "bridge", but device "dataplaneMvp3" is reserved with "vepa"$/],
    [{ master: "eth1" }, /^"master" is "eth1", but device "dataplaneMvp3" is reserved with "eth0"$/]
  ] as const)("is refused to a network that says %j", ([conf, words]) =>
    Effect.gen(function* () {
      const kernel = node()
      const untouched = kernel.snapshot()
      const answer = yield* callOn(kernel, invocation("ADD", { conf: { deviceID: "dataplaneMvp3", ...conf } }))
      assert.match(assertError(answer.stdout).msg, words)
      assertSame(kernel.snapshot(), untouched)
    })
  )

  it.effect("is given to one that says the same", () =>
    Effect.gen(function* () {
      const kernel = node()
      const conf = { deviceID: "dataplaneMvp3", mode: "vepa" }
      const answer = yield* callOn(kernel, invocation("ADD", { conf }))
      assert.strictEqual(answer.status, 0, answer.stdout)
    })
  )
})
