/** Attack 4: somebody without rights on the node takes the ifindexes of devices and attachments, which are public. */
import { existsSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { candidates } from "../../src/cni/identity/ifindex.ts"
import { deviceIndex } from "../../src/devices/deviceID.ts"
import { bothWays } from "../lab/call/node.ts"
import { startDaemon } from "../lab/daemon.ts"
import { ipLinks } from "../lab/ip.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { ownResource } from "../lab/node/ownResource.ts"
import { must } from "../lab/run.ts"
import { linkDevice, nodeStatus, tapNode } from "../lab/tap.ts"
import { makeScene } from "./scene.ts"

const resource = ownResource("atk4")
const deviceID = `${resource}Mvp0`
const index = deviceIndex({ resource, ordinal: 0 })

/** User 65534, root in namespaces of its own, with taps of these ifindexes on a veth there. */
const startStranger = async (indexes: ReadonlyArray<number>, lower = "") => {
  const links = [
    `link add v0 ${lower} type veth peer name v1`,
    "link set v0 up",
    ...indexes.map((one) => `link add link v0 name t${one} index ${one} type macvtap mode bridge`)
  ]
  const script = `ip -batch - <<'END'\n${links.join("\n")}\nEND\necho ready; exec sleep 300`
  const daemon = startDaemon("setpriv", [
    ...["--reuid=65534", "--regid=65534", "--clear-groups"],
    ...["unshare", "--user", "--map-root-user", "--net", "sh", "-ec", script]
  ])
  await daemon.line(/^ready$/, 20_000)
  for (const one of indexes) assert.isTrue(existsSync(`/dev/tap${one}`), `somebody has tap${one}`)
  return daemon
}

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)(
  "%s: attack 4: a stranger's link with the ifindex",
  (_, program) => {
    it("of a device does not keep that from its pod", async () => {
      await using scene = await makeScene(program, {
        [resource]: { lowerDevice: "eth0", mode: "bridge", capacity: 1, standalone: false }
      })
      const { node, state } = scene
      scene.checkpoint(resource, { victim: [deviceID] })
      const uplink = (await must("ip", ["netns", "exec", node.host.name, "cat", "/sys/class/net/eth0/ifindex"])).trim()
      // On a link of its own with the ifindex of the device's lower device, to look like a former pod's.
      await using _ = await startStranger([index], `index ${uplink}`)
      const call = { conf: { deviceID }, args: "K8S_POD_UID=victim" }
      const began = Date.now()
      await node.add(call)
      assert.isBelow(Date.now() - began, 2_500, "nobody is waited for")
      const link = await node.link()
      if (link === undefined) assert.fail("no link")
      assert.strictEqual(link.ifindex, index)
      const given = await nodeStatus(`${state}/dev/${deviceID}`)
      assert.strictEqual(given?.device, await linkDevice(node.pod.name, link))
      await node.silent("DEL", call)
      await node.add(call)
    })

    it("of a device, on its own lower device and with the number that it had, does not keep it from its pod either", async () => {
      await using scene = await makeScene(program, {
        [resource]: { lowerDevice: "eth0", mode: "bridge", capacity: 1, standalone: false }
      })
      const { node, state } = scene
      scene.checkpoint(resource, { victim: [deviceID] })
      const attacker = await node.makePod()
      await node.add({ pod: attacker, ifname: "net9" })
      const call = { conf: { deviceID }, args: "K8S_POD_UID=victim" }
      let hasNumber = false
      for (let turn = 0; turn < 10 && !hasNumber; turn++) {
        await node.add(call)
        const former = (await nodeStatus(`${state}/dev/${deviceID}`))?.device
        await node.pod.ip("link del net1")
        // What is made on a macvtap is on that one's lower device, the host's.
        await attacker.ip(`link add link net9 name x index ${index} type macvtap mode bridge`)
        const [taken] = (await ipLinks(attacker.name)).filter(({ ifname }) => ifname === "x")
        hasNumber = taken !== undefined && (await linkDevice(attacker.name, taken)) === former
        // Otherwise another program of the machine was faster.
        if (!hasNumber) await attacker.ip("link del x")
      }
      assert.isTrue(hasNumber, "the attacker's link has the number that the device had")
      // The sandbox is made anew, without a DEL.
      const victim = await node.makePod()
      const began = Date.now()
      await node.add({ ...call, pod: victim })
      assert.isBelow(Date.now() - began, 2_500, "nobody is waited for")
      const link = await node.link({ pod: victim })
      if (link === undefined) assert.fail("no link")
      assert.strictEqual((await nodeStatus(`${state}/dev/${deviceID}`))?.device, await linkDevice(victim.name, link))
    })

    it("of the 64 usual ones of an attachment leaves it another", async () => {
      await using scene = await makeScene(program)
      const { node } = scene
      const usual = candidates(node.pod.name, "net1")
      assert.strictEqual(usual.length, 64)
      await using _ = await startStranger(usual)
      await node.add()
      const link = await node.link()
      if (link === undefined) assert.fail("no link")
      assert.notInclude(usual, link.ifindex)
      assert.strictEqual((await nodeStatus(tapNode(link)))?.device, await linkDevice(node.pod.name, link))
      await node.silent("DEL")
      assert.isUndefined(await node.link())
    })
  }
)
