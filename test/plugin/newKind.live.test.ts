/**
 * A new kind on the real kernel. It has no other kinds that are made on a parent than ours, so the newcomer is macvlan, by
 * a table as somebody would write it who has never seen ours, with keys that ours does not have.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { assert, describe, it, vi } from "vitest"
import { namesCodec, u32Codec } from "../../src/link/codecs.ts"
import { kindByName } from "../../src/link/kinds.ts"
import { type Answer, callWith } from "../lab/call/inProcess.ts"
import { servicesIn } from "../lab/call/servicesIn.ts"
import { assertError, assertResult } from "../lab/call/wellFormed.ts"
import { makeFolder } from "../lab/folder.ts"
import { ipLink } from "../lab/ip.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { makeHost, makeNetns, type TestHost, type TestNetns } from "../lab/netns.ts"
import { attachmentEnv } from "../lab/plugin.ts"

vi.mock("../../src/link/kinds.ts", async (original) => {
  const { registryWith } = await import("../link/registry.ts")
  return registryWith(original, {
    kind: "macvlan",
    allmulti: true,
    attributes: {
      // IFLA_MACVLAN_MODE and IFLA_MACVLAN_BC_QUEUE_LEN of linux/if_link.h.
      way: {
        type: 1,
        codec: namesCodec({ apart: 1, switched: 2, together: 4 }, "u32"),
        key: "way",
        default: "switched",
        checked: true
      },
      broadcasts: { type: 7, codec: u32Codec(1), key: "broadcasts", checked: true }
    }
  })
})

interface Scene extends AsyncDisposable {
  readonly host: TestHost
  readonly pod: TestNetns
  readonly call: (command: "ADD" | "CHECK" | "DEL" | "GC" | "STATUS", more?: object) => Promise<Answer>
}

const makeScene = async (): Promise<Scene> => {
  const stack = new AsyncDisposableStack()
  const host = stack.use(await makeHost("nk-host"))
  const pod = stack.use(await makeNetns("nk-pod"))
  const state = stack.use(await makeFolder("nk-state"))
  const call: Scene["call"] = (command, more = {}) =>
    Effect.runPromise(
      callWith(Layer.succeedContext(servicesIn(host, state.path)), {
        env: attachmentEnv(command, { containerID: pod.name, netns: pod.path }),
        stdin: { cniVersion: "1.1.0", name: `nk${process.pid}`, type: "macvlan", master: "eth0", ...more }
      })
    )
  return { host, pod, call, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const succeeds = async (answer: Promise<Answer>): Promise<string> => {
  const { status, stdout } = await answer
  assert.strictEqual(status, 0, stdout)
  return stdout
}

const fails = async (answer: Promise<Answer>): Promise<string> => assertError((await answer).stdout).msg

describe.skipIf(!hasMacvtap)("a new kind, on the kernel", () => {
  it("is in the registry in place of ours", () => {
    assert.deepStrictEqual(Object.keys(kindByName("macvlan")?.attributes ?? {}), ["way", "broadcasts"])
  })

  it("is made by ADD, passes CHECK until somebody changes it, and is gone after DEL", async () => {
    await using scene = await makeScene()
    const conf = { way: "apart", broadcasts: 77 }
    const added = await succeeds(scene.call("ADD", conf))
    assertResult(added, "1.1.0")
    const link = await ipLink(scene.pod.name, "net1")
    assert.strictEqual(link?.linkinfo?.info_kind, "macvlan")
    assert.deepInclude({ ...link?.linkinfo?.info_data }, { mode: "private", bcqueuelen: 77 })
    assert.includeMembers([...(link?.flags ?? [])], ["UP", "ALLMULTI"])
    const prevResult = JSON.parse(added)
    await succeeds(scene.call("CHECK", { ...conf, prevResult }))
    await scene.pod.ip("link set net1 type macvlan mode bridge")
    assert.strictEqual(
      await fails(scene.call("CHECK", { ...conf, prevResult })),
      'link "net1" has "way" "together", configured is "apart"'
    )
    await succeeds(scene.call("DEL", { ...conf, prevResult }))
    assert.isUndefined(await ipLink(scene.pod.name, "net1"))
  })

  it("has the table's default, and its mistakes are named by its keys", async () => {
    await using scene = await makeScene()
    await succeeds(scene.call("ADD"))
    assert.strictEqual((await ipLink(scene.pod.name, "net1"))?.linkinfo?.info_data?.["mode"], "vepa")
    await succeeds(scene.call("DEL"))
    assert.match(await fails(scene.call("ADD", { way: "bridge" })), /way: expected one of apart, switched, together/)
  })

  it("is collected by GC, and known to STATUS", async () => {
    await using scene = await makeScene()
    await succeeds(scene.call("STATUS"))
    await succeeds(scene.call("ADD"))
    const valid = [{ containerID: scene.pod.name, ifname: "net1" }]
    await succeeds(scene.call("GC", { "cni.dev/valid-attachments": valid }))
    assert.isDefined(await ipLink(scene.pod.name, "net1"))
    await succeeds(scene.call("GC", { "cni.dev/valid-attachments": [] }))
    assert.isUndefined(await ipLink(scene.pod.name, "net1"))
  })
})
