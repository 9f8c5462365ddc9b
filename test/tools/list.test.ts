import { assert, describe, it } from "vitest"
import { makeScene, type Scene } from "./scene.ts"

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
    assert.deepStrictEqual(JSON.parse((await scene.run("list", "--json")).stdout), { attachments: [], unseen: [] })
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
      ["lan", "box", "-", "eth0", "02:00:00:00:00:bb", "eth0", "private", "-"],
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
        pod: { namespace: "shop", name: "web-0" },
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
  master0 ---|"lan<br/>macvlan private"| link0
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
    assert.match(stdout, /\nlan +box +- +eth0 /)
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
