import { assert, describe, it } from "vitest"
import { deviceIndex } from "../../src/devices/deviceID.ts"
import { bothWays } from "../lab/call/node.ts"
import { ipLinks } from "../lab/ip.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { type ClusterNode, kill, makeNode, openAsQemu } from "../lab/node/node.ts"
import { ownResource } from "../lab/node/ownResource.ts"
import { until } from "../lab/run.ts"
import { linkDevice, nodeStatus } from "../lab/tap.ts"

const tap = ownResource("tap")

const config = [{ name: tap, lowerDevice: "eth0", mode: "vepa", capacity: 3, standalone: true }]
const indexOf = (ordinal: number) => deviceIndex({ resource: tap, ordinal })

/** The host's macvtaps. */
const made = async (node: ClusterNode) =>
  (await ipLinks(node.host.name)).filter(({ linkinfo }) => linkinfo?.info_kind === "macvtap")

describe.skipIf(!hasMacvtap || !hasExecutable).each(bothWays)("%s: a standalone device", (_, program) => {
  it("is made at Allocate, in the host's namespace, with a node for QEMU's user", async () => {
    await using node = await makeNode("alone", { program })
    node.daemon(config)
    await node.kubelet.healthy(tap, 3)
    const { response, devices } = await node.kubelet.allocate("pod1", tap)
    assert.deepStrictEqual(devices, [`${tap}Mvp0`])
    assert.strictEqual(response.devices[0]?.containerPath, `/dev/tap${indexOf(0)}`)
    const [link] = await made(node)
    assert.match(link?.ifname ?? "", /^mvt[0-9a-f]{12}$/)
    assert.strictEqual(link?.ifindex, indexOf(0))
    assert.strictEqual(link?.ifalias, `macvtap-device-plugin:${tap}Mvp0`)
    assert.strictEqual(link?.linkinfo?.info_data?.["mode"], "vepa")
    assert.include(link?.flags ?? [], "UP")
    const own = await linkDevice(node.host.name, link ?? assert.fail())
    assert.deepStrictEqual(await nodeStatus(node.nodeOf(`${tap}Mvp0`)), {
      device: own,
      uid: 107,
      gid: 107,
      mode: 0o660
    })
    assert.strictEqual(await openAsQemu(node.nodeOf(`${tap}Mvp0`)), own)
    await node.kubelet.preStart("pod1", tap)
    assert.lengthOf(await made(node), 1)

    // Given to the next pod, it is made anew, whatever udev has called it.
    await node.host.ip(`link set ${link?.ifname} down name renamed0`)
    node.kubelet.free("pod1")
    await node.kubelet.allocate("pod2", tap, 3)
    assert.lengthOf(await made(node), 3)
    const [again] = (await made(node)).filter(({ ifindex }) => ifindex === indexOf(0))
    assert.strictEqual(again?.ifname, link?.ifname)
    await node.kubelet.preStart("pod2", tap)
  })

  it("is made again before the start of its pod when it is gone, as after a reboot, and not by a new daemon", async () => {
    await using node = await makeNode("again", { program })
    const daemon = node.daemon(config)
    await node.kubelet.healthy(tap, 3)
    await node.kubelet.allocate("pod1", tap)
    const [before] = await made(node)
    await kill(daemon)
    await until("the plugin is dropped", () => node.kubelet.endpoint(tap) === undefined)
    node.daemon(config)
    await node.kubelet.healthy(tap, 3)
    await node.kubelet.preStart("pod1", tap)
    assert.deepStrictEqual(await made(node), [before])
    await node.host.ip(`link del ${before?.ifname}`)
    await node.kubelet.preStart("pod1", tap)
    const [after] = await made(node)
    assert.strictEqual(after?.ifindex, indexOf(0))
    assert.strictEqual(
      await openAsQemu(node.nodeOf(`${tap}Mvp0`)),
      await linkDevice(node.host.name, after ?? assert.fail())
    )
  })

  it("is imported by ADD, and keeps its index and a node of its own", async () => {
    await using node = await makeNode("import", { program })
    node.daemon(config)
    await node.kubelet.healthy(tap, 3)
    await node.kubelet.allocate("pod1", tap)
    const pod = await node.pod()
    const added = await node.call("ADD", pod, `${tap}Mvp0`)
    assert.strictEqual(added.status, 0, added.stdout)
    const link = (await pod.link()) ?? assert.fail("no link")
    assert.strictEqual(link.ifindex, indexOf(0))
    assert.strictEqual(await openAsQemu(node.nodeOf(`${tap}Mvp0`)), await linkDevice(pod.name, link))
    await node.kubelet.preStart("pod1", tap)
    assert.lengthOf(await made(node), 0)
    // Nobody else gets it while the pod has it.
    node.kubelet.free("pod1")
    const refused = await node.kubelet.allocate("pod2", tap, 3).then(() => "given", String)
    assert.match(refused, new RegExp(`UNAVAILABLE.*${tap}Mvp0 is still held`))
    assert.strictEqual((await node.call("DEL", pod, `${tap}Mvp0`)).status, 0)
    await node.kubelet.allocate("pod2", tap, 3)
  })

  it("is refused in words where its lower device is not there", async () => {
    await using node = await makeNode("nowhere", { program })
    node.daemon(config)
    await node.kubelet.healthy(tap, 3)
    // Allocate is faster than the news.
    const [asked] = await Promise.all([
      node.host.ip("link del eth0").then(() => node.kubelet.allocate("pod1", tap).then(() => "given", String))
    ])
    assert.match(asked, /there is no link "eth0" on this node|only 0 devices/)
  })
})
