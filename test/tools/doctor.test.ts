import { chmod, chown, mkdir, readdir, rename, rm, stat, symlink } from "node:fs/promises"
import { createServer, type Server } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { encodeResources, type Resources } from "../../src/devices/resources.ts"
import { makeScene, type Scene } from "../lab/tool/scene.ts"
import { writeProgram } from "../lab/tool/tool.ts"
import { writeClient } from "./client.ts"
import { checkpoint, servePlugin } from "./devicePlugin.ts"

interface Finding {
  readonly check: string
  readonly status: "fine" | "note" | "wrong"
  readonly says: string
  readonly todo?: string
}

const examine = async (scene: Scene): Promise<ReadonlyArray<Finding>> => {
  const { stdout } = await scene.run("doctor", "--json")
  return JSON.parse(stdout).findings
}

/** What the doctor says of one subject. */
const of = async (scene: Scene, check: string): Promise<ReadonlyArray<string>> =>
  (await examine(scene))
    .filter((one) => one.check === check)
    .map(({ status, says, todo }) => `${status}: ${says}${todo ? `; ${todo}` : ""}`)

const listen = async (path: string): Promise<Server> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return server
}

/** A kubelet that listens, until the end of the block. */
const makeKubelet = async (scene: Scene) => {
  const folder = join(scene.root, "var/lib/kubelet/device-plugins")
  await mkdir(folder, { recursive: true })
  const server = await listen(join(folder, "kubelet.sock"))
  return { folder, [Symbol.asyncDispose]: async () => void server.close() }
}

const dataplane: Resources = {
  dataplane: { lowerDevice: "eth0", mode: "bridge", capacity: 3, standalone: false }
}

const writeResources = (scene: Scene, resources: Resources) =>
  scene.write("var/lib/macvtap-cni/resources.json", encodeResources(resources))

describe("doctor", () => {
  it("finds nothing wrong with a node where all is well, and says so a line each", async () => {
    await using scene = await makeScene()
    await using kubelet = await makeKubelet(scene)
    await writeProgram(join(scene.root, "opt/cni/bin/macvtap"))
    await writeResources(scene, dataplane)
    using _ = await servePlugin(join(kubelet.folder, "macvtap-dataplane.sock"))
    const registered = { dataplane: ["dataplaneMvp0", "dataplaneMvp1", "dataplaneMvp2"] }
    await scene.write("var/lib/kubelet/device-plugins/kubelet_internal_checkpoint", checkpoint({}, registered))
    await scene.write(
      "etc/cni/net.d/10-lan.conf",
      JSON.stringify({ cniVersion: "1.0.0", name: "lan", type: "macvtap", master: "eth0" })
    )
    const findings = await examine(scene)
    // The rights and the /dev are this process's own.
    const wrong = findings.filter(({ check, status }) => status === "wrong" && check !== "rights" && check !== "/dev")
    assert.deepStrictEqual(wrong, [])
    const lines = (await scene.run("doctor")).stdout.trimEnd().split("\n")
    assert.strictEqual(lines.length, findings.length)
    for (const line of [
      "fine   kernel: it makes links of kind macvtap and macvlan",
      `fine   CNI plugin: ${scene.root}/opt/cni/bin/macvtap is version 0.1.0`,
      `fine   CNI configuration: ${scene.root}/etc/cni/net.d/10-lan.conf: network "lan" is well-formed`,
      `fine   kubelet: it answers on ${kubelet.folder}/kubelet.sock`,
      `fine   device plugin: resource "dataplane": it answers, and the kubelet has 3 devices of it`,
      `fine   lower device eth0: up, MTU 1500, 0 links on it (resource "dataplane", network "lan")`,
      "fine   leftovers: none",
      "fine   udev: no rule renames macvtaps (0 rules looked at)"
    ]) {
      assert.include(lines, line)
    }
  })

  it("ends with status 1 where something is wrong, and tells what to do about it", async () => {
    await using scene = await makeScene({ kinds: [] })
    const { status, stdout } = await scene.run("doctor")
    assert.strictEqual(status, 1)
    assert.match(
      stdout,
      /^WRONG {2}kernel: it has no links of kind macvtap; load it with "modprobe macvtap"; .*CONFIG_MACVTAP$/m
    )
    assert.match(stdout, /^WRONG {2}kernel: it has no links of kind macvlan; .*$/m)
    const document = JSON.parse((await scene.run("doctor", "--json")).stdout)
    assert.strictEqual(document.healthy, false)
    for (const { status: found, todo } of document.findings) if (found === "wrong") assert.isNotEmpty(todo)
  })

  it("tells of the plugin: missing, another's, broken, of another version, open to all", async () => {
    await using scene = await makeScene()
    const path = join(scene.root, "opt/cni/bin/macvtap")
    assert.match((await of(scene, "CNI plugin"))[0] ?? "", /^wrong: there is no folder of CNI plugins/)
    await mkdir(join(scene.root, "opt/cni/bin"), { recursive: true })
    assert.deepStrictEqual(await of(scene, "CNI plugin"), [
      `wrong: there is no plugin "macvtap" in ${scene.root}/opt/cni/bin; run "macvtap install --to ${scene.root}/opt/cni/bin"`
    ])
    await scene.write("opt/cni/bin/macvtap", "")
    assert.match((await of(scene, "CNI plugin"))[0] ?? "", /^wrong: .* cannot be run: it is no executable/)
    await writeProgram(path, "0.0.1")
    assert.match((await of(scene, "CNI plugin"))[0] ?? "", /^note: .* is version 0\.0\.1, this is 0\.1\.0; /)
    await scene.write("opt/cni/bin/macvtap", "#!/bin/sh\necho about >&2\n")
    assert.match(
      (await of(scene, "CNI plugin"))[0] ?? "",
      /^wrong: .* is another program, such as kubevirt\/macvtap-cni's; /
    )
    await rename(path, `${path}-old`)
    await mkdir(path)
    assert.match((await of(scene, "CNI plugin"))[0] ?? "", /^wrong: .* is no file/)
  })

  it("tells of the client, and of what it becomes without an agent", async () => {
    await using scene = await makeScene()
    const folder = join(scene.root, "opt/cni/bin")
    await writeClient(join(folder, "macvtap"), "/run/macvtap-cni/agent.sock")
    const says = async () => (await of(scene, "CNI plugin")).map((line) => line.split(folder).join(""))
    const client = "fine: /macvtap is the client of version 0.1.0"
    const again = 'put it there again with "macvtap install --to "'
    assert.deepStrictEqual(await says(), [
      client,
      `note: /macvtap-standalone is not there: without it a call needs the agent; ${again}`
    ])
    await writeProgram(join(folder, "macvtap-standalone"))
    assert.deepStrictEqual(await says(), [client, "fine: /macvtap-standalone is version 0.1.0"])
    await writeProgram(join(folder, "macvtap-standalone"), "0.0.9")
    assert.deepStrictEqual(await says(), [
      client,
      `note: /macvtap-standalone is version 0.0.9, this is 0.1.0; ${again}`
    ])
    await scene.write("opt/cni/bin/macvtap-standalone", "#!/no/such/loader\n")
    assert.match(
      (await says())[1] ?? "",
      /^note: \/macvtap-standalone is of no use here: its dynamic loader is missing/
    )
  })

  it("reads the runtime's configurations as a call would", async () => {
    await using scene = await makeScene()
    const network = { cniVersion: "1.0.0", name: "lan", type: "macvtap" }
    await scene.write("etc/cni/net.d/1.conf", JSON.stringify({ ...network, mode: "brigde" }))
    await scene.write(
      "etc/cni/net.d/2.conflist",
      JSON.stringify({
        cniVersion: "1.0.0",
        name: "list",
        plugins: [{ type: "macvtap", master: "eth9" }, { type: "tuning" }]
      })
    )
    await scene.write("etc/cni/net.d/3.conf", '{ "name": "x", }')
    await scene.write("etc/cni/net.d/4.conf", JSON.stringify({ ...network, type: "bridge", mode: "nonsense" }))
    await scene.write("etc/cni/net.d/readme.txt", "{")
    const found = await of(scene, "CNI configuration")
    assert.strictEqual(found.length, 3, found.join("\n"))
    assert.match(found[0] ?? "", /^wrong: \S+\/1\.conf: invalid configuration: mode: expected one of .*"brigde"/)
    assert.match(found[1] ?? "", /^fine: \S+\/2\.conflist: network "list" is well-formed$/)
    assert.match(
      found[2] ?? "",
      /^wrong: \S+\/3\.conf is no network configuration: .*\(line 1, column 16\); correct it/
    )
    assert.deepStrictEqual(await of(scene, "lower device eth9"), [
      `wrong: there is no such link (network "list"); make it, or name one that "ip link" shows`
    ])
  })

  it("tells of a network that has no link to be on, as ADD does, and of a list that is none", async () => {
    await using scene = await makeScene()
    const network = { cniVersion: "1.0.0", name: "lan", type: "macvtap" }
    const says = async (conf: object) => {
      await scene.write("etc/cni/net.d/1.conflist", JSON.stringify(conf))
      return (await of(scene, "CNI configuration")).join("\n")
    }
    assert.match(await says(network), /^wrong: .*network "lan" has neither "master" nor "deviceID", .*; name a link/)
    assert.match(await says({ ...network, deviceID: "mvt0" }), /^fine: /)
    assert.match(await says({ ...network, capabilities: { deviceID: true } }), /^fine: /)
    assert.match(
      await says({ name: "x", plugins: [{ type: "bridge" }, 7] }),
      /^wrong: .*\["plugins"\]\[1\].*; correct it/
    )
  })

  it("tells of the kubelet: none, no folder, no socket, nobody behind it", async () => {
    await using scene = await makeScene()
    assert.match((await of(scene, "kubelet"))[0] ?? "", /^note: there is none on this node/)
    await mkdir(join(scene.root, "var/lib/kubelet"), { recursive: true })
    assert.match((await of(scene, "kubelet"))[0] ?? "", /^wrong: it has no folder/)
    {
      await using _ = await makeKubelet(scene)
      assert.match((await of(scene, "kubelet"))[0] ?? "", /^fine: it answers on/)
    }
    assert.match((await of(scene, "kubelet"))[0] ?? "", /^wrong: .*kubelet\.sock is missing/)
  })

  it("tells of the device plugin: not run, unreadable state, without a link on this node", async () => {
    await using scene = await makeScene()
    assert.match((await of(scene, "device plugin"))[0] ?? "", /^note: it has not run here/)
    await scene.write("var/lib/macvtap-cni/resources.json", "{")
    assert.match(
      (await of(scene, "device plugin"))[0] ?? "",
      /^wrong: .*resources\.json: .*; restart the device plugin/
    )
    await writeResources(scene, { storage: { mode: "bridge", capacity: 1, standalone: false } })
    assert.deepStrictEqual(await of(scene, "device plugin"), [
      `note: it offered resource "storage", but there is no kubelet to take it`
    ])
    assert.match(
      (await of(scene, "lower device"))[0] ?? "",
      /^note: this node has none of those that resource "storage" may use/
    )
  })

  it("asks the device plugin: none, a dead socket, one that says nothing, one that the kubelet has not taken", async () => {
    await using scene = await makeScene()
    await writeResources(scene, dataplane)
    await using kubelet = await makeKubelet(scene)
    const socket = join(kubelet.folder, "macvtap-dataplane.sock")
    const says = async () => (await of(scene, "device plugin"))[0]?.split(scene.root).join("")
    const shown = "/var/lib/kubelet/device-plugins/macvtap-dataplane.sock"
    assert.match(
      (await says()) ?? "",
      new RegExp(`^wrong: resource "dataplane": it does not run: there is no ${shown}; start`)
    )
    {
      // Takes connections and says nothing, as a process that is stopped.
      const silent = await listen(socket)
      const begun = performance.now()
      assert.match((await says()) ?? "", new RegExp(`^wrong: .*nobody answers on ${shown}: DEADLINE_EXCEEDED`))
      assert.isBelow(performance.now() - begun, 3000)
      await rename(socket, `${socket}.kept`)
      silent.close()
      await rename(`${socket}.kept`, socket)
    }
    assert.match((await says()) ?? "", new RegExp(`^wrong: .*nobody answers on ${shown}: UNAVAILABLE: .*ECONNREFUSED`))
    await rm(socket)
    using _ = await servePlugin(socket)
    assert.match(
      (await says()) ?? "",
      /^note: .*it answers; whether the kubelet has taken it is not known: .*checkpoint is not there$/
    )
    const file = "var/lib/kubelet/device-plugins/kubelet_internal_checkpoint"
    await scene.write(file, checkpoint({}, {}))
    assert.match((await says()) ?? "", /^wrong: .*it answers, but the kubelet has not registered it; /)
    await scene.write(file, checkpoint({}, { dataplane: [] }))
    assert.match((await says()) ?? "", /^wrong: .*it answers, but the kubelet has no device of it; /)
    assert.deepStrictEqual(await of(scene, "KubeVirt"), [])
    const kubevirt = await listen(join(kubelet.folder, "kubevirt-kvm.sock"))
    assert.match(
      (await of(scene, "KubeVirt"))[0] ?? "",
      /^note: it is on this node; from version 1\.9 on .*network-resources-injector/
    )
    kubevirt.close()
    await scene.write(file, JSON.stringify({ Data: { RegisteredDevices: { x: 1 } } }))
    assert.match((await says()) ?? "", /^note: .*makes no sense: .*RegisteredDevices.*x/)
  })

  it("tells of a record of a runtime that makes no sense, by file and key", async () => {
    await using scene = await makeScene()
    await scene.write(
      "var/lib/cni/results/a-b-net1",
      '{"kind":"cniCacheV1","networkName":"a","containerId":7,"ifName":"net1"}'
    )
    await scene.write("var/lib/cni/results/older", '{"cniVersion":"0.3.1"}')
    const found = await of(scene, "runtime's cache")
    assert.lengthOf(found, 1)
    assert.match(found[0] ?? "", /^note: \S+\/a-b-net1 is no record of an attachment: .*containerId/)
  })

  it("tells of the node's policy: none, one that makes no sense, its rules", async () => {
    await using scene = await makeScene()
    const says = async () => (await of(scene, "policy"))[0]?.split(scene.root).join("") ?? ""
    assert.match(
      await says(),
      /^note: there is none \(no \/var\/lib\/macvtap-cni\/policy.json\): .*any link.*docs\/policy.md/
    )
    const file = await scene.write("var/lib/macvtap-cni/policy.json", '{"version": 1, "rule": []}')
    await chown(file, 0, 0).catch(() => {})
    const own = (await stat(file)).uid === 0
    assert.match(await says(), own ? /^wrong: \S+ is wrong: .*"rule".*; every ADD is refused; / : /belongs to user/)
    await scene.write(
      "var/lib/macvtap-cni/policy.json",
      '{"version": 1, "rules": [{"name": "lab", "masters": ["eth1"]}]}'
    )
    assert.match(await says(), own ? /^fine: its rules: rule "lab"$/ : /belongs to user/)
    await chmod(file, 0o666)
    assert.match(await says(), own ? /^wrong: \S+ can be written by others than root, but must not; every ADD/ : /user/)
    await rename(file, `${file}.kept`)
    await symlink(`${file}.kept`, file)
    assert.match(await says(), /^wrong: \S+ is not used: it is a symbolic link; every ADD is refused/)
  })

  it("tells whether a device is only for the pod to which the kubelet gave it", async () => {
    await using scene = await makeScene()
    const says = async () => (await of(scene, "device owners")).join("\n").split(scene.root).join("")
    assert.strictEqual(await says(), "")
    const facts = (checksOwner: boolean) =>
      scene.write("var/lib/macvtap-cni/kubelet.json", JSON.stringify({ version: 1, folder: "/k", checksOwner }))
    await facts(true)
    assert.match(await says(), /^note: a network may name any device: there is no \/k\/kubelet_internal_checkpoint/)
    const checkpoint = { Data: { PodDeviceEntries: [], RegisteredDevices: {} }, Checksum: 0 }
    await scene.write("k/kubelet_internal_checkpoint", JSON.stringify(checkpoint))
    assert.match(await says(), /^fine: a device is only for the pod .*, by \/k\/kubelet_internal_checkpoint$/)
    await scene.write("k/kubelet_internal_checkpoint", "[[")
    assert.match(await says(), /^wrong: \/k\/kubelet_internal_checkpoint .*; every ADD with a device is refused/)
    await facts(false)
    assert.match(await says(), /^note: a network may name any pod's device: .*--no-owner-check/)
  })

  it("tells what is in the way of macvtaps on a lower device", async () => {
    await using scene = await makeScene()
    const { kernel } = scene
    await writeResources(scene, dataplane)
    kernel.setCarrier(undefined, "eth0", false)
    assert.match((await of(scene, "lower device eth0"))[0] ?? "", /^note: it is up, but has no carrier/)
    kernel.setCarrier(undefined, "eth0", true)
    kernel.inside().linkSet("eth0", { up: false })
    assert.deepStrictEqual(await of(scene, "lower device eth0"), [
      `wrong: it is down, so that no frame passes (resource "dataplane"); ip link set eth0 up`
    ])
    kernel.inside().linkSet("eth0", { up: true })
    kernel.addLink({ name: "br0", kind: "bridge" })
    kernel.enslave(undefined, "eth0", "br0")
    assert.match(
      (await of(scene, "lower device eth0"))[0] ?? "",
      /^wrong: it is a port of br0, .*EBUSY.*; use br0 as the lower device/
    )
    kernel.enslave(undefined, "eth0", undefined)
    await scene.write("sys/class/net/eth0/phy80211/name", "phy0")
    assert.match((await of(scene, "lower device eth0"))[0] ?? "", /^wrong: it is wireless/)
  })

  it("tells of leftovers: links, nodes, sockets, half files", async () => {
    await using scene = await makeScene()
    const { kernel } = scene
    await writeResources(scene, dataplane)
    kernel.addNetns("/run/netns/dead")
    kernel.addNetns("/run/netns/known")
    const dead = { network: "pods", containerID: "dead", ifname: "net1" }
    await scene.attach({ ...dead, netns: "/run/netns/dead", index: 2 ** 30 })
    await scene.attach({ ...dead, containerID: "known", netns: "/run/netns/known", index: 2 ** 30 + 1 })
    await scene.remember({ ...dead, containerID: "known" }, [])
    await scene.write("var/lib/macvtap-cni/dev/dataplaneMvp2", "")
    await scene.write("opt/cni/bin/.macvtap-install-0123456789abcdef", "")
    await scene.write("opt/cni/bin/bridge", "")
    const found = await of(scene, "leftovers")
    assert.deepStrictEqual(
      found.map((line) => line.split(scene.root).join("")),
      [
        `wrong: link net1 in /run/netns/dead, of dead/net1 (network pods, by its alias), which no process and no runtime knows of; "macvtap uninstall --leftovers" removes it`,
        `wrong: node /var/lib/macvtap-cni/dev/dataplaneMvp2, whose link is gone; "macvtap uninstall --leftovers" removes it`,
        `wrong: /opt/cni/bin/.macvtap-install-0123456789abcdef, of an installation that was stopped; "macvtap uninstall --leftovers" removes it`
      ]
    )
  })

  it("takes no node for a leftover whose pod still has the device, and says that the pod has lost its link", async () => {
    await using scene = await makeScene()
    await writeResources(scene, dataplane)
    const node = await scene.write("var/lib/macvtap-cni/dev/dataplaneMvp2", "")
    await scene.write("var/log/pods/shop_web-0_uid-1/log", "")
    const file = "var/lib/kubelet/device-plugins/kubelet_internal_checkpoint"
    await scene.write(file, checkpoint({ "uid-1": [["dataplane", "dataplaneMvp2"]] }))
    assert.deepStrictEqual(await of(scene, "leftovers"), ["fine: none"])
    assert.deepStrictEqual(await of(scene, "device"), [
      "wrong: dataplaneMvp2 of pod shop/web-0 has no link any more: its lower device was removed, or the link itself; delete the pod: no link of it comes back, but its successor gets one"
    ])
    await scene.run("uninstall", "--leftovers")
    assert.isTrue((await stat(node)).isFile())
    await scene.write(file, "{")
    await scene.run("uninstall", "--leftovers")
    assert.isTrue((await stat(node)).isFile())
    await scene.write(file, checkpoint({}))
    assert.deepStrictEqual(await of(scene, "device"), [])
    await scene.run("uninstall", "--leftovers")
    assert.notInclude(await readdir(join(node, "..")), "dataplaneMvp2")
  })

  it("tells of links that another device plugin made beforehand", async () => {
    await using scene = await makeScene()
    scene.kernel.addLink({ name: "eth1", kind: "macvtap" })
    scene.kernel.addLink({ name: "mvt0123456789ab", kind: "macvtap" })
    assert.match((await of(scene, "leftovers"))[0] ?? "", /^note: link mvt0123456789ab .*ip link del mvt0123456789ab$/)
  })

  it("goes on where a file cannot be read", async () => {
    await using scene = await makeScene()
    await mkdir(join(scene.root, "etc/cni/net.d/dir.conf"), { recursive: true })
    const findings = await examine(scene)
    assert.isTrue(findings.some(({ check, status }) => check === "CNI configuration" && status === "wrong"))
    assert.isTrue(findings.some(({ check }) => check === "udev"))
  })
})
