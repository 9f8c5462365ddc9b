import { link, mkdir, readdir, stat } from "node:fs/promises"
import { createServer, type Server } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { deviceName } from "../../src/devices/deviceName.ts"
import { encodeResources } from "../../src/devices/resources.ts"
import { makeScene, type Scene } from "../lab/tool/scene.ts"
import { writeProgram } from "../lab/tool/tool.ts"
import { checkpoint } from "./devicePlugin.ts"

const dead = { network: "pods", containerID: "dead", ifname: "net1" }

/** A node on which everything is installed, a stale link in a namespace without processes, and a standalone one. */
const install = async (scene: Scene): Promise<void> => {
  await writeProgram(join(scene.root, "opt/cni/bin/macvtap"))
  await link(join(scene.root, "opt/cni/bin/macvtap"), join(scene.root, "opt/cni/bin/macvlan"))
  await scene.write("opt/cni/bin/bridge", "another plugin")
  await scene.write("opt/cni/bin/.macvtap-install-0123456789abcdef", "half")
  const resource = { lowerDevice: "eth0", mode: "bridge", capacity: 3, standalone: false }
  await scene.write(
    "var/lib/macvtap-cni/resources.json",
    encodeResources({ dataplane: resource, alone: { ...resource, standalone: true } })
  )
  await scene.write("var/lib/macvtap-cni/dev/dataplaneMvp2", "")
  await mkdir(join(scene.root, "var/lib/kubelet/device-plugins"), { recursive: true })
  scene.kernel.addNetns("/run/netns/dead")
  await scene.attach({ ...dead, netns: "/run/netns/dead", index: 2 ** 30 })
  scene.kernel.addLink({ name: deviceName("aloneMvp1"), kind: "macvtap", alias: "macvtap-device-plugin:aloneMvp1" })
  scene.kernel.addLink({ name: deviceName("otherMvp1"), kind: "macvtap" })
}

/** An attachment that is in use, beside the one that is not. */
const alive = { ...dead, containerID: "alive" }

const live = async (scene: Scene): Promise<void> => {
  scene.kernel.addNetns("/run/netns/alive")
  await scene.attach({ ...alive, netns: "/run/netns/alive", index: 2 ** 30 + 1 })
}

const names = (scene: Scene, netns?: string) =>
  scene.kernel
    .inside(netns)
    .links()
    .map(({ name }) => name)

const listen = async (path: string): Promise<Server> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return server
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false
  )

describe("uninstall", () => {
  it("takes everything back that is ours, and nothing else", async () => {
    await using scene = await makeScene()
    await install(scene)
    await mkdir(join(scene.root, "run/macvtap-cni/taps"), { recursive: true })
    const { status, stdout, stderr } = await scene.run("uninstall")
    assert.strictEqual(stderr, "")
    assert.strictEqual(status, 0)
    assert.deepStrictEqual(await readdir(join(scene.root, "opt/cni/bin")), ["bridge"])
    assert.isFalse(await exists(join(scene.root, "run/macvtap-cni")))
    assert.isFalse(await exists(join(scene.root, "var/lib/macvtap-cni")))
    assert.deepStrictEqual(names(scene, "/run/netns/dead"), ["lo"])
    assert.deepStrictEqual(names(scene), ["lo", "eth0", deviceName("otherMvp1")])
    for (const what of [
      "removed link net1 of /run/netns/dead (macvtap-cni:pods/dead/net1)",
      `removed plugin ${scene.root}/opt/cni/bin/macvtap`,
      `removed plugin ${scene.root}/opt/cni/bin/macvlan`,
      `removed folder ${scene.root}/var/lib/macvtap-cni`
    ]) {
      assert.include(stdout.split("\n"), what)
    }
    assert.include(stdout, "The kubelet keeps macvtap.network.kubevirt.io/dataplane, macvtap.network.kubevirt.io/alone")
    assert.include(stdout, '"path":"/status/capacity/macvtap.network.kubevirt.io~1dataplane"')
  })

  it("does it again without complaint", async () => {
    await using scene = await makeScene()
    await install(scene)
    await scene.run("uninstall")
    assert.deepStrictEqual(await scene.run("uninstall"), { status: 0, stdout: "nothing to remove\n", stderr: "" })
  })

  it("only says what it would do with --dry-run", async () => {
    await using scene = await makeScene()
    await install(scene)
    const before = scene.kernel.snapshot()
    const { status, stdout } = await scene.run("uninstall", "--dry-run")
    assert.strictEqual(status, 0)
    const promised = stdout.split("\n").filter((line) => line.startsWith("would remove "))
    assert.strictEqual(promised.length, 6, stdout)
    assert.deepStrictEqual(scene.kernel.snapshot(), before)
    assert.isTrue(await exists(join(scene.root, "opt/cni/bin/.macvtap-install-0123456789abcdef")))
    const done = await scene.run("uninstall")
    assert.deepStrictEqual(
      done.stdout.split("\n").filter((line) => line.startsWith("removed ")),
      promised.map((line) => line.replace("would remove", "removed"))
    )
  })

  it("does nothing while containers have attachments, unless it is forced to, and then leaves theirs", async () => {
    await using scene = await makeScene()
    await install(scene)
    await live(scene)
    await scene.remember(alive, [])
    const refused = await scene.run("uninstall")
    assert.strictEqual(refused.status, 1)
    assert.strictEqual(refused.stdout, "")
    assert.match(
      refused.stderr,
      /^macvtap uninstall: 1 attachments? (is|are) in use: alive\/net1 in \/run\/netns\/alive; remove their pods first/
    )
    assert.isTrue(await exists(join(scene.root, "opt/cni/bin/macvtap")))
    const forced = await scene.run("uninstall", "--force")
    assert.strictEqual(forced.status, 0)
    assert.deepStrictEqual(names(scene, "/run/netns/alive"), ["lo", "net1"])
    assert.deepStrictEqual(names(scene, "/run/netns/dead"), ["lo"])
    assert.isFalse(await exists(join(scene.root, "opt/cni/bin/macvtap")))
    assert.isTrue(await exists(join(scene.root, "var/lib/macvtap-cni/resources.json")))
  })

  it("names what blocks by its pod, as list does, standalone devices by the kubelet's checkpoint", async () => {
    await using scene = await makeScene()
    await install(scene)
    await live(scene)
    await scene.remember(alive, [
      ["K8S_POD_NAMESPACE", "shop"],
      ["K8S_POD_NAME", "web-0"]
    ])
    const given = { "uid-1": [["alone", "aloneMvp1"]], "uid-2": [["alone", "aloneMvp2"]] } as const
    await scene.write("var/lib/kubelet/device-plugins/kubelet_internal_checkpoint", checkpoint(given))
    // The first lives; the second is only listed still.
    await scene.write("var/lib/kubelet/pods/uid-1/etc-hosts", "")
    await scene.write("var/log/pods/shop_db-0_uid-1/c/0.log", "")
    const refused = await scene.run("uninstall")
    assert.strictEqual(refused.status, 1)
    assert.strictEqual(
      refused.stderr,
      "macvtap uninstall: 1 attachment and 1 device are in use: shop/web-0 (net1, network pods), shop/db-0 (device aloneMvp1); " +
        "remove their pods first, since without the plugin their teardown fails (macvtap list shows them), or say --force\n"
    )
    assert.include(names(scene), deviceName("aloneMvp1"))
    const forced = await scene.run("uninstall", "--force")
    assert.strictEqual(forced.status, 0)
    assert.include(names(scene), deviceName("aloneMvp1"))
    assert.include(forced.stdout, "var/lib/macvtap-cni stays: 1 attachment and 1 device still use it\n")
  })

  it("removes the host's own link by which pods and node reach each other, but not while a pod does", async () => {
    await using scene = await makeScene()
    await install(scene)
    await live(scene)
    await scene.remember(alive, [])
    const name = await scene.giveHostAccess({ "192.0.2.5": alive })
    assert.strictEqual((await scene.run("uninstall", "--force")).status, 0)
    assert.include(names(scene), name)
    scene.kernel.inside("/run/netns/alive").linkDel("net1")
    const { stdout } = await scene.run("uninstall")
    assert.include(stdout, `removed link ${name} of `)
    assert.notInclude(names(scene), name)
  })

  it("removes the link of a standalone device whose pod is gone", async () => {
    await using scene = await makeScene()
    await install(scene)
    const given = { "uid-2": [["alone", "aloneMvp1"]] } as const
    await scene.write("var/lib/kubelet/device-plugins/kubelet_internal_checkpoint", checkpoint(given))
    await mkdir(join(scene.root, "var/lib/kubelet/pods"))
    assert.strictEqual((await scene.run("uninstall")).status, 0)
    assert.notInclude(names(scene), deviceName("aloneMvp1"))
  })

  it("does nothing where the kubelet's checkpoint cannot be read, unless it is forced to", async () => {
    await using scene = await makeScene()
    await install(scene)
    await scene.write("var/lib/kubelet/device-plugins/kubelet_internal_checkpoint", "{")
    const { status, stderr } = await scene.run("uninstall")
    assert.strictEqual(status, 1)
    assert.match(stderr, /^macvtap uninstall: which pods have devices cannot be known: \S+ is not JSON; say --force/)
    assert.strictEqual((await scene.run("uninstall", "--leftovers")).status, 0)
    assert.strictEqual((await scene.run("uninstall", "--force")).status, 0)
  })

  it("leaves claims on numbers of taps, which may outlive the link", async () => {
    await using scene = await makeScene()
    await install(scene)
    await scene.write("run/macvtap-cni/taps/246:1", "")
    assert.strictEqual((await scene.run("uninstall")).status, 0)
    assert.isTrue(await exists(join(scene.root, "run/macvtap-cni/taps/246:1")))
  })

  it("removes only leftovers with --leftovers", async () => {
    await using scene = await makeScene()
    await install(scene)
    const { status, stdout } = await scene.run("uninstall", "--leftovers")
    assert.strictEqual(status, 0)
    assert.strictEqual(stdout.trimEnd().split("\n").length, 3, stdout)
    assert.deepStrictEqual((await readdir(join(scene.root, "opt/cni/bin"))).sort(), ["bridge", "macvlan", "macvtap"])
    assert.deepStrictEqual(await readdir(join(scene.root, "var/lib/macvtap-cni")), ["dev", "resources.json"])
    assert.deepStrictEqual(await readdir(join(scene.root, "var/lib/macvtap-cni/dev")), [])
    assert.deepStrictEqual(names(scene, "/run/netns/dead"), ["lo"])
  })

  it("leaves another program of that name", async () => {
    await using scene = await makeScene()
    await scene.write("opt/cni/bin/macvtap", "#!/bin/sh\necho about >&2\n")
    const { status, stdout } = await scene.run("uninstall")
    assert.strictEqual(status, 0)
    assert.include(stdout, `${scene.root}/opt/cni/bin/macvtap stays: `)
    assert.isTrue(await exists(join(scene.root, "opt/cni/bin/macvtap")))
  })

  it("removes sockets that nobody answers on, and tells that the device plugin still runs where somebody does", async () => {
    await using scene = await makeScene()
    await install(scene)
    const folder = join(scene.root, "var/lib/kubelet/device-plugins")
    const server = await listen(join(folder, "macvtap-dataplane.sock"))
    try {
      const { status, stderr } = await scene.run("uninstall")
      assert.strictEqual(status, 1)
      assert.strictEqual(
        stderr,
        "the device plugin still runs: its sockets and state stay; stop it and run this again\n"
      )
      assert.deepStrictEqual(await readdir(folder), ["macvtap-dataplane.sock"])
      assert.isTrue(await exists(join(scene.root, "var/lib/macvtap-cni/resources.json")))
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
    assert.strictEqual((await scene.run("uninstall")).status, 0)
    assert.deepStrictEqual(await readdir(folder), [])
  })

  it("goes on where a link cannot be removed, and ends with status 1", async () => {
    await using scene = await makeScene()
    await install(scene)
    scene.kernel.onRequest((n, operation) => {
      if (operation === "netlink linkDel") scene.kernel.requests.faults.set(n, { _tag: "Refused", errno: "EBUSY" })
    })
    const { status, stderr } = await scene.run("uninstall")
    assert.strictEqual(status, 1)
    assert.match(stderr, /EBUSY/)
    assert.isFalse(await exists(join(scene.root, "opt/cni/bin/macvtap")))
  })

  it("does not take a link that has become somebody else's meanwhile", async () => {
    await using scene = await makeScene()
    await install(scene)
    scene.kernel.onRequest((_, operation) => {
      if (operation === "netlink linkGet")
        scene.kernel.inside("/run/netns/dead").linkSet("net1", { alias: "another's" })
    })
    await scene.run("uninstall")
    assert.deepStrictEqual(names(scene, "/run/netns/dead"), ["lo", "net1"])
  })
})
