import { assert, describe, it } from "vitest"
import { encodeAlias } from "../../src/cni/identity/alias.ts"
import { deviceName } from "../../src/devices/deviceName.ts"
import { makeScene, type Scene } from "../lab/tool/scene.ts"
import { checkpoint } from "./devicePlugin.ts"

const pods = { network: "pods", containerID: "c".repeat(64), ifname: "net1" }
const lan = { network: "lan", containerID: "box", ifname: "eth0" }
const first = 2 ** 30

/** Two containers: a pod with a macvtap, and one that no runtime knows with a macvlan. */
const twoContainers = async (scene: Scene): Promise<void> => {
  scene.kernel.addNetns("/run/netns/pod")
  scene.kernel.addNetns("/proc/77/ns/net")
  await scene.attach({ ...pods, netns: "/run/netns/pod", index: first, mac: "02:00:00:00:00:aa" })
  await scene.attach({
    ...lan,
    netns: "/proc/77/ns/net",
    index: 7,
    kind: "macvlan",
    mode: "private",
    mac: "02:00:00:00:00:bb"
  })
  await scene.remember(pods, [
    ["IgnoreUnknown", "1"],
    ["K8S_POD_NAMESPACE", "shop"],
    ["K8S_POD_NAME", "web-0"]
  ])
}

describe("list", () => {
  it("says so where there is nothing", async () => {
    await using scene = await makeScene()
    assert.deepStrictEqual(await scene.run("list"), { status: 0, stdout: "no attachments\n", stderr: "" })
    assert.deepStrictEqual(JSON.parse((await scene.run("list", "--json")).stdout), {
      attachments: [],
      devices: [],
      hostAccess: [],
      unseen: []
    })
  })

  it("shows each attachment on a line, by network", async () => {
    await using scene = await makeScene()
    await twoContainers(scene)
    const { status, stdout, stderr } = await scene.run("list")
    assert.strictEqual(status, 0)
    assert.strictEqual(stderr, "")
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/))
    assert.deepStrictEqual(rows, [
      ["NETWORK", "CONTAINER", "POD", "IFNAME", "MAC", "MASTER", "MODE", "TAP"],
      ["lan ?", "box", "-", "eth0", "02:00:00:00:00:bb", "eth0", "private", "-"],
      [
        "pods",
        "ccccccccccccc",
        "shop/web-0",
        "net1",
        "02:00:00:00:00:aa",
        "eth0",
        "bridge",
        "/dev/tap1073741824 0:0 0600"
      ]
    ])
  })

  it("says the same to machines, with every key", async () => {
    await using scene = await makeScene()
    await twoContainers(scene)
    const { attachments } = JSON.parse((await scene.run("list", "--json")).stdout)
    assert.deepStrictEqual(attachments, [
      {
        network: "lan",
        container: "box",
        knownBy: "alias",
        deviceID: null,
        pod: null,
        ifname: "eth0",
        mac: "02:00:00:00:00:bb",
        master: "eth0",
        kind: "macvlan",
        mode: "private",
        tap: null,
        netns: "/proc/77/ns/net",
        ifindex: 7,
        up: true
      },
      {
        network: "pods",
        container: "c".repeat(64),
        knownBy: "runtime",
        deviceID: null,
        pod: { namespace: "shop", name: "web-0", uid: null },
        ifname: "net1",
        mac: "02:00:00:00:00:aa",
        master: "eth0",
        kind: "macvtap",
        mode: "bridge",
        tap: { node: "/dev/tap1073741824", device: "246:1", owner: 0, group: 0, mode: "0600", problem: null },
        netns: "/run/netns/pod",
        ifindex: first,
        up: true
      }
    ])
  })

  it("draws a diagram", async () => {
    await using scene = await makeScene()
    await twoContainers(scene)
    assert.strictEqual(
      (await scene.run("list", "--mermaid")).stdout,
      `flowchart LR
  subgraph node["node"]
    master0["eth0"]
  end
  subgraph container0["box"]
    link0["eth0<br/>02:00:00:00:00:bb"]
  end
  subgraph container1["shop/web-0"]
    link1["net1<br/>02:00:00:00:00:aa<br/>/dev/tap1073741824"]
  end
  master0 ---|"lan ?<br/>macvlan private"| link0
  master0 ---|"pods<br/>macvtap bridge"| link1
`
    )
  })

  it("finds a pod in the cache of Multus too", async () => {
    await using scene = await makeScene()
    scene.kernel.addNetns("/run/netns/pod")
    await scene.attach({ ...pods, netns: "/run/netns/pod", index: first })
    await scene.remember(pods, [["K8S_POD_NAME", "vm"]], "var/lib/cni/multus/results")
    assert.match((await scene.run("list")).stdout, / vm +net1 /)
  })

  it("finds the pod of an attachment whose alias had to be abbreviated", async () => {
    await using scene = await makeScene()
    const long = { network: "n".repeat(120), containerID: "c".repeat(64), ifname: "net1" }
    scene.kernel.addNetns("/run/netns/pod")
    await scene.attach({ ...long, netns: "/run/netns/pod", index: first })
    await scene.remember({ ...long, network: "m".repeat(120) }, [["K8S_POD_NAME", "another"]])
    await scene.remember(long, [["K8S_POD_NAME", "this-one"]])
    assert.match((await scene.run("list")).stdout, / this-one /)
  })

  it("takes a cache entry only for the attachment that it is of", async () => {
    await using scene = await makeScene()
    scene.kernel.addNetns("/run/netns/pod")
    await scene.attach({ ...lan, network: "a", containerID: "b-c", netns: "/run/netns/pod", index: first })
    // `a-b-c-eth0` is also the file of network a-b and container c.
    await scene.remember({ network: "a-b", containerID: "c", ifname: "eth0" }, [["K8S_POD_NAME", "not-this"]])
    assert.notInclude((await scene.run("list")).stdout, "not-this")
  })

  it.each([
    "",
    "{",
    "null",
    "[]",
    '{"networkName":1}',
    '{"networkName":"lan","containerId":"box","ifName":"eth0","cniArgs":[1,["K8S_POD_NAME",2]]}'
  ])("lists an attachment whose cache entry is %j", async (text) => {
    await using scene = await makeScene()
    scene.kernel.addNetns("/run/netns/box")
    await scene.attach({ ...lan, netns: "/run/netns/box", index: first })
    await scene.write("var/lib/cni/results/lan-box-eth0", text)
    const { status, stdout } = await scene.run("list")
    assert.strictEqual(status, 0)
    assert.match(stdout, /\nlan \? +box +- +eth0 /)
  })

  it("believes the runtime and not the alias, and marks what only the alias says", async () => {
    await using scene = await makeScene()
    scene.kernel.addNetns("/run/netns/mallory")
    scene.kernel.addNetns("/run/netns/alice")
    const [alice, mallory] = [
      { ...pods, containerID: "alice" },
      { ...pods, containerID: "mallory" }
    ]
    await scene.attach({ ...alice, netns: "/run/netns/alice", index: first })
    // The same words on another pod's link.
    await scene.attach({ ...mallory, netns: "/run/netns/mallory", index: first + 1 })
    scene.kernel.inside("/run/netns/mallory").linkSet("net1", { alias: encodeAlias(alice) })
    await scene.remember(alice, [["K8S_POD_NAME", "alice"]])
    await scene.remember(mallory, [["K8S_POD_NAME", "mallory"]])
    const { attachments } = JSON.parse((await scene.run("list", "--json")).stdout)
    assert.deepStrictEqual(
      attachments.map(({ netns, container, pod, knownBy }: Record<string, unknown>) => [
        netns,
        container,
        pod,
        knownBy
      ]),
      [
        ["/run/netns/alice", "alice", { namespace: null, name: "alice", uid: null }, "runtime"],
        ["/run/netns/mallory", "mallory", { namespace: null, name: "mallory", uid: null }, "runtime"]
      ]
    )
    assert.include(
      (await scene.run("doctor")).stdout,
      "note   aliases: link net1 in /run/netns/mallory is that of mallory (network pods), as the runtime knows; its alias says alice/net1 (network pods)"
    )
    // Renamed, so that no runtime knows the link: what is left is the alias.
    scene.kernel.inside("/run/netns/mallory").linkSet("net1", { name: "net7" })
    assert.match((await scene.run("list")).stdout, /\npods \? +alice +alice +net7 /)
  })

  it("finds an attachment that bears no alias, as Go's plugins make them, by the runtime's cache", async () => {
    await using scene = await makeScene()
    scene.kernel.addNetns("/run/netns/pod")
    await scene.attach({ ...pods, netns: "/run/netns/pod", index: first, alias: "" })
    await scene.remember(pods, [["K8S_POD_NAME", "web-0"]])
    assert.match((await scene.run("list")).stdout, /\npods +c{13} +web-0 +net1 /)
  })

  it("shows standalone devices with the pods that the kubelet gave them to", async () => {
    await using scene = await makeScene()
    for (const id of ["tapsMvp1", "tapsMvp2", "tapsMvp3"])
      scene.kernel.addLink({ name: deviceName(id), kind: "macvtap", alias: `macvtap-device-plugin:${id}` })
    const given = { "uid-1": [["taps", "tapsMvp1"]], "uid-2": [["taps", "tapsMvp2"]] } as const
    await scene.write("var/lib/kubelet/device-plugins/kubelet_internal_checkpoint", checkpoint(given))
    await scene.write("var/log/pods/shop_db-0_uid-1/c/0.log", "")
    const { status, stdout } = await scene.run("list")
    assert.strictEqual(status, 0)
    const rows = stdout.split("\n").map((line) => line.split(/ {2,}/).slice(0, 4))
    assert.deepStrictEqual(rows.slice(1, 4), [
      ["(standalone)", "tapsMvp1", "shop/db-0", deviceName("tapsMvp1")],
      ["(standalone)", "tapsMvp2", "pod uid-2", deviceName("tapsMvp2")],
      ["(standalone)", "tapsMvp3", "-", deviceName("tapsMvp3")]
    ])
    const { devices } = JSON.parse((await scene.run("list", "--json")).stdout)
    assert.deepStrictEqual(devices[0].pod, { namespace: "shop", name: "db-0", uid: "uid-1" })
    assert.include((await scene.run("list", "--mermaid")).stdout, `["shop/db-0"]`)
  })

  it("shows the host's own links by which pods and node reach each other, and whose the routes are", async () => {
    await using scene = await makeScene()
    scene.kernel.addNetns("/run/netns/pod")
    await scene.attach({ ...pods, netns: "/run/netns/pod", index: first })
    await scene.remember(pods, [["K8S_POD_NAME", "web-0"]])
    const name = await scene.giveHostAccess({ "192.0.2.5": pods, "192.0.2.6": { ...pods, containerID: "gone" } })
    assert.match(
      (await scene.run("list")).stdout,
      new RegExp(`\\n\\(host access\\) +2 routes +- +${name} +02:\\S+ +eth0 +bridge +-\\n$`)
    )
    const { hostAccess } = JSON.parse((await scene.run("list", "--json")).stdout)
    assert.deepStrictEqual(hostAccess[0].routes, [
      { destination: "192.0.2.5/32", attachment: pods },
      { destination: "192.0.2.6/32", attachment: null }
    ])
    const found = (await scene.run("doctor")).stdout
    assert.include(found, `fine   host access: ${name} on eth0: 2 routes to pods\n`)
    assert.include(
      found,
      `note   host access: the route to 192.0.2.6/32 by ${name} on eth0 is no attachment's that is seen here; GC`
    )
    scene.kernel.inside().linkSet(name, { up: false })
    assert.include((await scene.run("doctor")).stdout, `WRONG  host access: ${name} on eth0 is down, `)
  })

  it("tells of a checkpoint that makes no sense, with status 1", async () => {
    await using scene = await makeScene()
    await scene.write("var/lib/kubelet/device-plugins/kubelet_internal_checkpoint", "{")
    const { status, stderr } = await scene.run("list")
    assert.strictEqual(status, 1)
    assert.match(stderr, /^macvtap list: \S+kubelet_internal_checkpoint is not JSON\n$/)
  })

  it("does not obey what an alias or a pod's name says to the terminal", async () => {
    await using scene = await makeScene()
    scene.kernel.addNetns("/run/netns/box")
    const alias = `macvtap-cni:net\u001b[2J/"]; click x "javascript:alert(1)" %%{init}%%<b>\u202eevil/net1`
    await scene.attach({ ...lan, netns: "/run/netns/box", index: first, alias })
    await scene.write(
      `var/lib/cni/results/net\u001b[2J-"]; click x "javascript:alert(1)" %%{init}%%<b>\u202eevil-net1`,
      "{}"
    )
    for (const form of [[], ["--json"], ["--mermaid"]]) {
      const { status, stdout } = await scene.run("list", ...form)
      assert.strictEqual(status, 0)
      assert.notMatch(stdout.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u)
    }
    const { attachments } = JSON.parse((await scene.run("list", "--json")).stdout)
    assert.strictEqual(attachments[0].network, "net\u001b[2J")
    const diagram = (await scene.run("list", "--mermaid")).stdout
    // Nothing of it leaves its label: between the quotes there is neither a quote nor a bracket.
    assert.isTrue(diagram.split("\n").every((line) => (line.match(/"/g) ?? []).length % 2 === 0))
    assert.notInclude(diagram, 'javascript:alert(1)"')
    assert.notInclude(diagram, "%%{")
    assert.notInclude(diagram, "<b>")
  })

  it("tells whose the tap node is where it is not the link's", async () => {
    await using scene = await makeScene()
    scene.kernel.addNetns("/run/netns/one")
    scene.kernel.addNetns("/run/netns/two")
    await scene.attach({ ...pods, containerID: "one", netns: "/run/netns/one", index: 5 })
    await scene.attach({ ...pods, containerID: "two", netns: "/run/netns/two", index: 5 })
    assert.include((await scene.run("list")).stdout, "(/dev/tap5 is another link's)")
    const { attachments } = JSON.parse((await scene.run("list", "--json")).stdout)
    assert.deepStrictEqual(
      attachments.map(({ tap }: { tap: { node: string | null; problem: string | null } }) => [tap.node, tap.problem]),
      [
        ["/dev/tap5", null],
        [null, "/dev/tap5 is another link's"]
      ]
    )
  })

  it("works where there is no devtmpfs, and where no sysfs can be mounted", async () => {
    await using scene = await makeScene({ devtmpfs: false, sysfs: false })
    scene.kernel.addNetns("/run/netns/pod")
    await scene.attach({ ...pods, netns: "/run/netns/pod", index: first })
    const { status, stdout } = await scene.run("list")
    assert.strictEqual(status, 0)
    assert.include(stdout, "(no node)")
  })

  it("leaves out links that are not ours", async () => {
    await using scene = await makeScene()
    scene.kernel.addNetns("/run/netns/pod")
    await scene.attach({ ...pods, netns: "/run/netns/pod", index: first, alias: "somebody's" })
    scene.kernel.addLink({ netns: "/run/netns/pod", name: "veth0", kind: "veth", alias: "macvtap-cni:a/b/c" })
    assert.strictEqual((await scene.run("list")).stdout, "no attachments\n")
  })

  it("says what it could not look into, with status 1", async () => {
    await using scene = await makeScene()
    await twoContainers(scene)
    let opened = 0
    scene.kernel.onRequest((n, operation) => {
      if (operation === "netns open" && ++opened === 2)
        scene.kernel.requests.faults.set(n, { _tag: "Refused", errno: "EACCES" })
    })
    const { status, stdout, stderr } = await scene.run("list")
    assert.strictEqual(status, 1)
    assert.match(stderr, /^macvtap list: cannot look into \S+: EACCES\n$/)
    assert.include(stdout, "NETWORK")
  })

  it("says that it needs root where it may do nothing", async () => {
    await using scene = await makeScene()
    scene.kernel.failRequest(2, "EPERM")
    const { status, stdout, stderr } = await scene.run("list")
    assert.strictEqual(status, 1)
    assert.strictEqual(stdout, "")
    assert.match(stderr, /^macvtap list: .*EPERM; run it as root\n$/)
  })
})
