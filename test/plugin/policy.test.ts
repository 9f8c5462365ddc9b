/** The node's policy, where networks are added. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Kernel } from "../../src/mock/Kernel.ts"
import { callOn } from "../lab/call/onMock.ts"
import { invocation, makeNode } from "../lab/call/plain.ts"
import { assertError } from "../lab/call/wellFormed.ts"

const withPolicy = (...rules: ReadonlyArray<object>): Kernel => {
  const kernel = makeNode(2)
  kernel.machine.policy = JSON.stringify({ version: 1, rules })
  return kernel
}

const refused = (kernel: Kernel, more: Parameters<typeof invocation>[1] = {}, command = "ADD") =>
  Effect.gen(function* () {
    const before = kernel.snapshot()
    const { status, stdout } = yield* callOn(kernel, invocation(command, more))
    assert.strictEqual(status, 1, stdout)
    assert.deepStrictEqual(kernel.snapshot(), before)
    return assertError(stdout)
  })

const succeeds = (kernel: Kernel, command: string, more: Parameters<typeof invocation>[1] = {}) =>
  Effect.map(callOn(kernel, invocation(command, more)), ({ status, stdout }) => {
    assert.strictEqual(status, 0, stdout)
    return stdout
  })

describe("a policy", () => {
  it.effect("refuses what no rule allows, says which, and makes nothing", () =>
    Effect.gen(function* () {
      const kernel = withPolicy({ name: "lab", masters: ["vlan*"] }, { namespaces: ["ceph"], masters: ["eth0"] })
      const args = "K8S_POD_NAMESPACE=web"
      assert.deepInclude(yield* refused(kernel, { args }), {
        code: 7,
        msg: 'the policy of this node does not allow it to namespace "web": rule "lab" allows the masters "vlan*", not "eth0"',
        details: "change the network, or ask the node's owner, whose policy is /var/lib/macvtap-cni/policy.json"
      })
      assert.include((yield* refused(kernel)).msg, "to a call without K8S_POD_NAMESPACE")
      yield* succeeds(kernel, "ADD", { args: "K8S_POD_NAMESPACE=ceph" })
    })
  )

  it.effect("counts for the default route's link as for one that is named", () =>
    Effect.gen(function* () {
      const kernel = withPolicy({ masters: ["vlan*"] })
      const { msg } = yield* refused(kernel, { conf: { type: "macvlan", master: undefined } })
      assert.include(msg, 'not "eth0"')
    })
  )

  it.effect.each<readonly [conf: object, words: string]>([
    [{ promiscMode: true }, "no promiscMode"],
    [{ mode: "passthru" }, 'not "passthru"'],
    [{ owner: 0 }, "as owner nothing, not 0"],
    [{ group: 0 }, "as group nothing, not 0"],
    [{ type: "macvlan" }, 'the kinds "macvtap", not "macvlan"'],
    [{ deviceID: "eth1" }, 'as deviceID nothing, not "eth1"'],
    [{ runtimeConfig: { deviceID: "dataplaneMvp3" } }, 'not "dataplaneMvp3"']
  ])("refuses %j beside an allowed master", ([conf, words]) =>
    Effect.gen(function* () {
      const kernel = withPolicy({ masters: ["eth0"], kinds: ["macvtap"] })
      assert.include((yield* refused(kernel, { conf })).msg, words)
      yield* succeeds(kernel, "ADD")
    })
  )

  it.effect("takes another pod's end of a cable for a master only by its name", () =>
    Effect.gen(function* () {
      const kernel = withPolicy({ masters: ["*"] })
      kernel.addVeth({ name: "veth7" }, { netns: "/run/netns/c2", name: "eth0" })
      const conf = { master: "veth7", mode: "bridge" }
      assert.include((yield* refused(kernel, { conf })).msg, "its other end is in another network namespace")
      kernel.machine.policy = JSON.stringify({ version: 1, rules: [{ masters: ["veth7"] }] })
      yield* succeeds(kernel, "ADD", { conf })
    })
  )

  it.effect("has no say in what a container has already", () =>
    Effect.gen(function* () {
      const kernel = withPolicy({ masters: ["vlan*"] })
      kernel.addVeth({ name: "veth1" }, { netns: "/run/netns/c1", name: "eth0" })
      yield* succeeds(kernel, "ADD", { conf: { linkInContainer: true } })
    })
  )

  it.effect("is read anew by each call, and hinders no CHECK, DEL and GC", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const prevResult = JSON.parse(yield* succeeds(kernel, "ADD"))
      kernel.machine.policy = "{"
      yield* succeeds(kernel, "CHECK", { conf: { prevResult } })
      yield* succeeds(kernel, "DEL")
      yield* succeeds(kernel, "GC")
      assert.include((yield* refused(kernel)).msg, "is not JSON")
      kernel.machine.policy = undefined
      yield* succeeds(kernel, "ADD")
    })
  )

  it.effect("that is wrong allows nothing, and STATUS says so", () =>
    Effect.gen(function* () {
      const kernel = withPolicy({ master: ["eth0"] })
      for (const command of ["ADD", "STATUS"]) {
        const error = yield* refused(kernel, {}, command)
        assert.strictEqual(error.code, 50)
        assert.include(
          error.msg,
          'the policy of this node, /var/lib/macvtap-cni/policy.json, is wrong: rules[0]: unknown key "master"'
        )
        assert.strictEqual(error.details, "no network is added to a pod until its owner has mended or removed the file")
      }
    })
  )
})
