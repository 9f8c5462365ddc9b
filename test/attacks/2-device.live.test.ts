/** Attack 2: a network names a device that the kubelet gave to another pod, or to nobody. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { deviceIndex } from "../../src/devices/deviceID.ts"
import { deviceName } from "../../src/devices/deviceName.ts"
import { standaloneAlias } from "../../src/devices/standalone.ts"
import { bothWays, type Call, names, type Program } from "../lab/call/node.ts"
import { ipLinks } from "../lab/ip.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { domain } from "../lab/node/kubelet.ts"
import { ownResource } from "../lab/node/ownResource.ts"
import { makeScene, type Scene } from "./scene.ts"

const resource = ownResource("atk")
const device = (ordinal: number): string => `${resource}Mvp${ordinal}`
const uid = (name: string): string => `K8S_POD_UID=${name}`

const makeOffer = async (program: Program, standalone = false): Promise<Scene> => {
  const scene = await makeScene(program, {
    [resource]: { lowerDevice: "eth0", mode: "bridge", capacity: 4, standalone }
  })
  scene.checkpoint(resource, { victim: [device(0)], attacker: [device(1)] })
  return scene
}

/** The device's link on the host, as the device plugin makes one for pods without a network attachment. */
const addStandalone = async ({ node }: Scene, ordinal: number): Promise<string> => {
  const name = deviceName(device(ordinal))
  const index = deviceIndex({ resource, ordinal })
  await node.host.ip(`link add link eth0 name ${name} index ${index} type macvtap mode bridge`)
  await node.host.ip(`link set ${name} up alias ${standaloneAlias(device(ordinal))}`)
  return name
}

/** The words of the refusal, which leaves everything as it was. */
const refusal = async ({ node, state }: Scene, call: Call): Promise<string> => {
  const seen = async () => [await ipLinks(node.host.name), readdirSync(join(state, "dev"))]
  mkdirSync(join(state, "dev"), { recursive: true })
  const before = await seen()
  const { code, msg, details } = await node.fails("ADD", call)
  assert.strictEqual(code, 7)
  assert.deepStrictEqual(await names(node.pod), ["lo"])
  assert.deepStrictEqual(await seen(), before)
  return `${msg}; ${details}`
}

const request = `"${domain}/${resource}": "1"`

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)("%s: attack 2: a device", (_, program) => {
  it.each([
    ["another pod's", device(0), uid("attacker"), "was given to another pod", request],
    ["nobody's", device(2), uid("attacker"), "was given to no pod", request],
    ["nobody's, without a UID", device(2), "K8S_POD_NAME=p", "was given to no pod", request],
    ["a pod's, without a UID", device(0), "K8S_POD_NAME=p", "does not say which pod", "K8S_POD_UID"]
  ])("that is %s is refused, and stays its owner's", async (_, deviceID, args, why, advice) => {
    for (const standalone of [false, true]) {
      await using scene = await makeOffer(program, standalone)
      if (standalone) for (const ordinal of [0, 2]) await addStandalone(scene, ordinal)
      const { node } = scene
      const call = { conf: { deviceID }, args }
      const words = await refusal(scene, call)
      for (const part of [deviceID, why, advice]) assert.include(words, part)
      // The runtime calls DEL after it; then the owner comes.
      await node.silent("DEL", call)
      const victim = await node.makePod()
      await node.add({ pod: victim, conf: { deviceID: device(0) }, args: uid("victim") })
      assert.isDefined(await node.link({ pod: victim }))
    }
  })

  it("in use keeps its node, whoever calls DEL in its name", async () => {
    await using scene = await makeOffer(program)
    const { node, state } = scene
    const victim = await node.makePod()
    const conf = { deviceID: device(0) }
    await node.add({ pod: victim, conf, args: uid("victim") })
    await victim.ip("link del net1")
    await node.call("DEL", { conf, args: uid("attacker") })
    assert.deepStrictEqual(readdirSync(join(state, "dev")), [device(0)])
    await node.silent("DEL", { pod: victim, conf, args: uid("victim") })
    assert.deepStrictEqual(readdirSync(join(state, "dev")), [])
  })

  it("keeps its node, and the number that its pod may open, when another attachment of the pod fails with it", async () => {
    await using scene = await makeOffer(program)
    const { node, state } = scene
    const conf = { deviceID: device(0) }
    const args = uid("victim")
    await node.add({ conf, args })
    await node.pod.ip("link del net1")
    const again = { ifname: "net2", conf: { ...conf, linkInContainer: true }, args }
    await node.fails("ADD", again)
    await node.silent("DEL", again)
    assert.deepStrictEqual(readdirSync(join(state, "dev")), [device(0)])
    await node.silent("DEL", { conf, args })
    assert.deepStrictEqual(readdirSync(join(state, "dev")), [])
  })

  it("is not imported by the name of its link, nor by the ID of one that no resource has any more", async () => {
    await using scene = await makeOffer(program, true)
    const name = await addStandalone(scene, 0)
    const byName = { conf: { deviceID: name, owner: 1000 }, args: uid("attacker") }
    assert.include(await refusal(scene, byName), "it is a device plugin's link")
    writeFileSync(join(scene.state, "resources.json"), JSON.stringify({ version: 1, resources: {} }))
    assert.include(await refusal(scene, byName), "it is a device plugin's link")
    const byID = { conf: { deviceID: device(0) }, args: uid("attacker") }
    assert.include(await refusal(scene, byID), "was given to another pod")
  })
})

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)("%s: attack 2: a kubelet's checkpoint", (_, program) => {
  const call = { conf: { deviceID: device(2) }, args: uid("attacker") }

  it("that makes no sense lets nobody have a device, unless the node's owner says so", async () => {
    await using scene = await makeOffer(program)
    writeFileSync(join(scene.folder, "kubelet/kubelet_internal_checkpoint"), "[[[[")
    const { msg, details } = await scene.node.fails("ADD", call)
    assert.include(msg, "kubelet_internal_checkpoint")
    assert.include(details ?? "", "--no-owner-check")
    writeFileSync(join(scene.state, "kubelet.json"), JSON.stringify({ version: 1, checksOwner: false }))
    await scene.node.add(call)
  })

  it("that is not there says nothing, as on a node without a kubelet", async () => {
    await using scene = await makeScene(program, {
      [resource]: { lowerDevice: "eth0", mode: "bridge", capacity: 4, standalone: false }
    })
    await scene.node.add(call)
  })
})
