import { existsSync, linkSync, readdirSync, renameSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { deviceIndex, parseDeviceID } from "../../src/devices/deviceID.ts"
import { bothWays } from "../lab/call/node.ts"
import { ipLinks } from "../lab/ip.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { type ClusterNode, kill, makeNode, openAsQemu, type Pod, terminate } from "../lab/node/node.ts"
import { ownResource } from "../lab/node/ownResource.ts"
import { run, until } from "../lab/run.ts"
import { linkDevice, nodeStatus } from "../lab/tap.ts"

const dataplane = ownResource("dataplane")

const config = [{ name: dataplane, lowerDevice: "eth0", capacity: 120 }]

const indexOf = (deviceID: string): number => deviceIndex(parseDeviceID(deviceID) ?? assert.fail(deviceID))

/** ADD, and all that a pod then relies on: its link, in place, with the index that Allocate promised, and its node. */
const attach = async (node: ClusterNode, pod: Pod, deviceID: string): Promise<void> => {
  const added = await node.call("ADD", pod, deviceID)
  assert.strictEqual(added.status, 0, added.stdout + added.stderr)
  const link = (await pod.link()) ?? assert.fail("no link in the pod")
  assert.strictEqual(link.ifindex, indexOf(deviceID))
  assert.strictEqual(link.linkinfo?.info_kind, "macvtap")
  const own = await linkDevice(pod.name, link)
  assert.deepStrictEqual(await nodeStatus(node.nodeOf(deviceID)), { device: own, uid: 107, gid: 107, mode: 0o660 })
  assert.strictEqual(await openAsQemu(node.nodeOf(deviceID)), own)
}

const detach = async (node: ClusterNode, pod: Pod, deviceID: string): Promise<void> => {
  const deleted = await node.call("DEL", pod, deviceID)
  assert.strictEqual(deleted.status, 0, deleted.stdout + deleted.stderr)
  assert.isUndefined(await pod.link())
}

describe.skipIf(!hasMacvtap || !hasExecutable).each(bothWays)(
  "%s: a pod's device, from the kubelet to the tap and back",
  (_, program) => {
    it("is reserved, made, opened, taken back, and given to the next pod", async () => {
      await using node = await makeNode("way", { program })
      node.daemon(config)
      await node.kubelet.healthy(dataplane, 120)
      const pod = await node.pod()
      const { devices, response } = await node.kubelet.allocate("pod1", dataplane)
      const [deviceID = ""] = devices
      assert.deepStrictEqual(response.devices, [
        {
          containerPath: `/dev/tap${indexOf(deviceID)}`,
          hostPath: `/var/lib/macvtap-cni/dev/${deviceID}`,
          permissions: "rw"
        }
      ])
      // Nothing is made before ADD, and nothing of a pod is ever seen in the host's namespace.
      const before = await ipLinks(node.host.name)
      assert.deepStrictEqual(before.map(({ ifname }) => ifname).sort(), ["eth0", "lo", "wire0"])
      await attach(node, pod, deviceID)
      assert.lengthOf(await ipLinks(node.host.name), before.length)
      await node.kubelet.preStart("pod1", dataplane)
      // A container's restart.
      await node.kubelet.preStart("pod1", dataplane)
      await detach(node, pod, deviceID)
      assert.isFalse(existsSync(node.nodeOf(deviceID)))
      await detach(node, pod, deviceID)
      node.kubelet.free("pod1")

      const next = await node.pod()
      const again = await node.kubelet.allocate("pod2", dataplane)
      await attach(node, next, again.devices[0] ?? "")
      await node.kubelet.preStart("pod2", dataplane)
    })

    it("is made again for a sandbox that is tried again", async () => {
      await using node = await makeNode("retry", { program })
      node.daemon(config)
      await node.kubelet.healthy(dataplane, 120)
      const [deviceID = ""] = (await node.kubelet.allocate("pod1", dataplane)).devices
      for (let n = 0; n < 3; n++) {
        const sandbox = await node.pod()
        await attach(node, sandbox, deviceID)
        await detach(node, sandbox, deviceID)
      }
      // A sandbox that vanished without DEL, and a DEL that comes late, when its namespace is gone and the device in use.
      const lost = await node.pod()
      await attach(node, lost, deviceID)
      await lost[Symbol.asyncDispose]()
      const sandbox = await node.pod()
      await attachLater(node, sandbox, deviceID)
      assert.strictEqual((await node.call("DEL", lost, deviceID)).status, 0)
      await node.kubelet.preStart("pod1", dataplane)
      assert.strictEqual(node.kubelet.calls.filter((call) => call.startsWith("Allocate")).length, 1)
    })

    it("is not made while a former pod's link has its ifindex, which ADD says", async () => {
      await using node = await makeNode("held", { program })
      node.daemon(config)
      await node.kubelet.healthy(dataplane, 120)
      const former = await node.pod()
      const [deviceID = ""] = (await node.kubelet.allocate("pod1", dataplane)).devices
      await attach(node, former, deviceID)
      const next = await node.pod()
      const refused = await node.call("ADD", next, deviceID)
      assert.strictEqual(refused.status, 1)
      const error = JSON.parse(refused.stdout)
      assert.strictEqual(error.code, 11)
      assert.match(error.msg, new RegExp(`device "${deviceID}" is still held`))
      // The failed ADD's DEL takes nothing from the former pod.
      await detach(node, next, deviceID)
      assert.isDefined(await former.link())
      await node.kubelet.preStart("pod1", dataplane)
      await detach(node, former, deviceID)
      await attach(node, next, deviceID)
    })

    it("is not started with a node that is not its link's", async () => {
      await using node = await makeNode("verify", { program })
      node.daemon(config)
      await node.kubelet.healthy(dataplane, 120)
      const one = await node.pod()
      const other = await node.pod()
      const [first = ""] = (await node.kubelet.allocate("pod1", dataplane)).devices
      const [second = ""] = (await node.kubelet.allocate("pod2", dataplane)).devices
      await attach(node, one, first)
      await attach(node, other, second)
      await node.kubelet.preStart("pod1", dataplane)
      // Somebody's mistake: the first device's node leads to the second's link.
      renameSync(node.nodeOf(first), `${node.state}/aside`)
      linkSync(node.nodeOf(second), node.nodeOf(first))
      const refused = await node.kubelet.preStart("pod1", dataplane).then(() => "started", String)
      assert.match(refused, /FAILED_PRECONDITION/)
      renameSync(`${node.state}/aside`, node.nodeOf(first))
      await node.kubelet.preStart("pod1", dataplane)
      await one.ip("link del net1")
      assert.match(await node.kubelet.preStart("pod1", dataplane).then(() => "started", String), /has no link/)
    })

    it("works where /dev is no devtmpfs", async () => {
      await using node = await makeNode("kind", { kind: true, program })
      node.daemon(config)
      await node.kubelet.healthy(dataplane, 120)
      const pod = await node.pod()
      const [deviceID = ""] = (await node.kubelet.allocate("pod1", dataplane)).devices
      await attach(node, pod, deviceID)
      await node.kubelet.preStart("pod1", dataplane)
      const refused = await node.call("ADD", await node.pod(), deviceID)
      assert.strictEqual(JSON.parse(refused.stdout).code, 11)
      await detach(node, pod, deviceID)
    })
  }
)

/** ADD until it is not told to try again: the kernel takes its time to end a namespace. */
const attachLater = async (node: ClusterNode, pod: Pod, deviceID: string): Promise<void> => {
  for (let n = 0; n < 50; n++) {
    const { stdout, status } = await node.call("ADD", pod, deviceID)
    if (status === 0) return
    assert.strictEqual(JSON.parse(stdout).code, 11, stdout)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail("the device stays held")
}

describe.skipIf(!hasMacvtap || !hasExecutable)("devices outlive", () => {
  it("the daemon: killed, ended, started anew", async () => {
    await using node = await makeNode("restart")
    let daemon = node.daemon(config)
    await node.kubelet.healthy(dataplane, 120)
    const pod = await node.pod()
    const [deviceID = ""] = (await node.kubelet.allocate("pod1", dataplane)).devices
    await attach(node, pod, deviceID)
    const [second = ""] = (await node.kubelet.allocate("pod2", dataplane)).devices
    const status = await nodeStatus(node.nodeOf(deviceID))
    for (const end of [kill, terminate, kill]) {
      await end(daemon)
      // Without the daemon, ADD and DEL go on.
      const other = await node.pod()
      await attach(node, other, second)
      await detach(node, other, second)
      daemon = node.daemon(config)
      await node.kubelet.healthy(dataplane, 120)
      assert.deepStrictEqual(await nodeStatus(node.nodeOf(deviceID)), status)
      await node.kubelet.preStart("pod1", dataplane)
    }
    assert.strictEqual(await terminate(daemon), 0)
    assert.deepStrictEqual(
      readdirSync(node.kubelet.folder).filter((name) => name.startsWith("macvtap")),
      []
    )
  })

  it("an update: the new daemon is registered and answers before the old one ends", async () => {
    await using node = await makeNode("update")
    await node.host.ip("link set lo up")
    const port = ["--listen", "127.0.0.1:9814"]
    const old = node.daemon(config, port)
    await node.kubelet.healthy(dataplane, 120)
    const next = node.daemon(config, port)
    await next.line(/trying again until it is free/, 3000)
    await until("both are registered", () => node.kubelet.registrations.length === 2)
    const [deviceID = ""] = (await node.kubelet.allocate("pod1", dataplane)).devices
    const gone = terminate(old)
    const end = Date.now() + 1000
    while (Date.now() < end) {
      assert.strictEqual(node.kubelet.healthyNow(dataplane), 120)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    assert.strictEqual(await gone, 0)
    const pod = await node.pod()
    await attach(node, pod, deviceID)
    await node.kubelet.preStart("pod1", dataplane)
    const health = ["curl", "-s", "--retry", "5", "--retry-connrefused", "http://127.0.0.1:9814/healthz"]
    assert.match((await run("nsenter", [`--net=${node.host.path}`, ...health])).stdout, /^ok/)
  })

  it("the kubelet, which does not ask again", async () => {
    await using node = await makeNode("kubelet")
    node.daemon(config)
    await node.kubelet.healthy(dataplane, 120)
    const pod = await node.pod()
    const { devices, response } = await node.kubelet.allocate("pod1", dataplane)
    await attach(node, pod, devices[0] ?? "")
    await node.kubelet.stop()
    await node.kubelet.start()
    await node.kubelet.healthy(dataplane, 120)
    assert.deepStrictEqual(await node.kubelet.allocate("pod1", dataplane), { devices, response })
    await node.kubelet.preStart("pod1", dataplane)
    assert.strictEqual(node.kubelet.calls.filter((call) => call.startsWith("Allocate")).length, 1)
    // Nobody else gets it.
    assert.notInclude((await node.kubelet.allocate("pod2", dataplane, 119)).devices, devices[0])
  })

  it("a reboot: every link is gone, the kubelet gives what it gave, and ADD comes before the daemon", async () => {
    await using node = await makeNode("reboot")
    const daemon = node.daemon(config)
    await node.kubelet.healthy(dataplane, 120)
    const pods = [await node.pod(), await node.pod()] as const
    const ids = ["pod1", "pod2"]
    const [one = "", two = ""] = await Promise.all(
      ids.map(async (id) => (await node.kubelet.allocate(id, dataplane)).devices[0] ?? "")
    )
    assert.notStrictEqual(one, two)
    await attach(node, pods[0], one)
    await attach(node, pods[1], two)
    await kill(daemon)
    await node.kubelet.stop()
    writeFileSync(`${node.state}/boot`, "the boot before")
    for (const pod of pods) await pod.ip("link del net1")
    // The numbers of before are others' now; the second pod's sandbox comes first.
    const stranger = await node.pod()
    await node.host.ip(`link add link eth0 name net1 netns ${stranger.name} type macvtap mode bridge`)
    const anew = await node.pod()
    await attach(node, anew, two)
    await node.kubelet.start()
    node.daemon(config)
    await node.kubelet.healthy(dataplane, 120)
    // A stale node leads to the stranger's link, or nowhere: it is gone before anybody is started with it.
    await until("the stale node is gone", () => !existsSync(node.nodeOf(one)), 2000)
    await node.kubelet.preStart("pod2", dataplane)
    assert.strictEqual((await node.kubelet.allocate("pod1", dataplane)).devices[0], one)
    await attach(node, await node.pod(), one)
    await node.kubelet.preStart("pod1", dataplane)
  })
})
