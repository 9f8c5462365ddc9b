import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "vitest"
import { makeFolder } from "../lab/folder.ts"
import { ipLink, ipLinks } from "../lab/ip.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { makeHost, makeNetns, type TestHost, type TestNetns } from "../lab/netns.ts"
import { attachmentEnv, callPlugin, executable, inNetns } from "../lab/plugin.ts"
import { must, type RunResult, run } from "../lab/run.ts"
import { writeBelow } from "../lab/tool/tool.ts"

const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }

/** The client beside the executable, where there was a compiler for it. */
const client = join(dirname(executable), "macvtap-client")
const hasClient = existsSync(client)
const installed = hasClient ? ["macvtap", "macvtap-standalone"] : ["macvtap"]
/** What the executable is called where it is installed. */
const large = hasClient ? "macvtap-standalone" : "macvtap"

/** `macvtap …` in the host's network. */
const macvtap = (host: TestHost | undefined, ...args: ReadonlyArray<string>): Promise<RunResult> => {
  const [command = "", ...words] = inNetns(host?.name, [executable, ...args])
  return run(command, words, { env })
}

const add = async (host: TestHost, container: TestNetns, network: object = {}): Promise<void> => {
  const call = attachmentEnv("ADD", { containerID: container.name, netns: container.path, ifname: "net1" })
  const stdin = { cniVersion: "1.0.0", name: "lan", type: "macvtap", master: "eth0", ...network }
  const { status, stdout } = await callPlugin({ env: call, stdin, host: host.name })
  assert.strictEqual(status, 0, stdout)
}

describe.skipIf(!hasMacvtap || !hasExecutable)("the built executable", () => {
  it("explains itself, and refuses what it does not know", async () => {
    assert.match((await macvtap(undefined, "--help")).stdout, /^Usage: macvtap <command>/)
    assert.deepStrictEqual(await macvtap(undefined, "--version"), {
      status: 0,
      stdout: "macvtap (macvtap-cni) 0.1.0\n",
      stderr: ""
    })
    assert.strictEqual((await macvtap(undefined, "nonsense")).status, 2)
  })

  it("installs itself, once", async () => {
    await using folder = await makeFolder("in-install")
    const first = await macvtap(undefined, "install", "--to", folder.path, "--also", "macvlan")
    assert.strictEqual(first.status, 0, first.stderr)
    assert.deepStrictEqual((await readdir(folder.path)).sort(), ["macvlan", ...installed])
    assert.isTrue((await readFile(join(folder.path, large))).equals(await readFile(executable)))
    if (hasClient) assert.isTrue((await readFile(join(folder.path, "macvtap"))).equals(await readFile(client)))
    const second = await macvtap(undefined, "install", "--to", folder.path)
    assert.include(second.stdout, `${folder.path}/${large}: up to date (version 0.1.0)\n`)
    assert.match(second.stdout, /\/macvtap: up to date \(version 0\.1\.0( of the client)?\)\n$/)
    const removed = await macvtap(undefined, "uninstall", "--dry-run", "--force", "--from", folder.path)
    for (const name of ["macvlan", ...installed])
      assert.include(removed.stdout, `would remove plugin ${folder.path}/${name}\n`)
  })

  it("leaves the old file untouched on a full disk, and nothing beside it", async () => {
    await using folder = await makeFolder("in-full")
    await must("mount", ["-t", "tmpfs", "-o", "size=20m", "tmpfs", folder.path])
    try {
      await writeFile(join(folder.path, "macvtap"), "old")
      const { status, stderr } = await macvtap(undefined, "install", "--to", folder.path)
      assert.strictEqual(status, 1)
      assert.strictEqual(
        stderr,
        `macvtap install: cannot write ${folder.path}/${large}: no space is left on its file system; what was there is untouched\n`
      )
      assert.deepStrictEqual(await readdir(folder.path), ["macvtap"])
      assert.strictEqual(await readFile(join(folder.path, "macvtap"), "utf8"), "old")
    } finally {
      await must("umount", [folder.path])
    }
  })

  it("installs from a read-only source, and says so where the target is one", async () => {
    await using source = await makeFolder("in-source")
    await using target = await makeFolder("in-target")
    await copyFile(executable, join(source.path, "macvtap"))
    await must("mount", ["--bind", source.path, source.path])
    try {
      await must("mount", ["-o", "remount,bind,ro", source.path])
      const installed = await run(join(source.path, "macvtap"), ["install", "--to", target.path], { env })
      assert.strictEqual(installed.status, 0, installed.stderr)
      await mkdir(join(target.path, "sub"))
      const refused = await run(join(source.path, "macvtap"), ["install", "--to", source.path, "--name", "x"], { env })
      assert.strictEqual(refused.status, 1)
      assert.include(refused.stderr, "its file system is read-only")
    } finally {
      await must("umount", [source.path])
    }
  })

  it("never leaves half a file when it is killed, and tidies up the next time", async () => {
    await using folder = await makeFolder("in-kill")
    const file = join(folder.path, large)
    const size = (await stat(executable)).size
    let killed = 0
    for (let delay = 20; delay < 200; delay += 15) {
      await writeFile(file, "old")
      const child = spawn(executable, ["install", "--to", folder.path], { env, stdio: "ignore" })
      const exit = once(child, "exit")
      await sleep(delay)
      child.kill("SIGKILL")
      const [, signal] = await exit
      if (signal === "SIGKILL") killed++
      const there = await stat(file)
      assert.isTrue(there.size === size || there.size === 3, `${there.size} bytes`)
    }
    assert.isAtLeast(killed, 1)
    const { status } = await macvtap(undefined, "install", "--to", folder.path)
    assert.strictEqual(status, 0)
    assert.deepStrictEqual((await readdir(folder.path)).sort(), installed)
  })

  it("lists what ip shows, with the pod from the runtime's cache", async () => {
    await using host = await makeHost("in-list")
    await using one = await makeNetns("in-list")
    await using two = await makeNetns("in-list")
    await using root = await makeFolder("in-list")
    await add(host, one)
    await add(host, two, { name: "private", mode: "private", owner: 0, group: 0 })
    await writeBelow(
      root.path,
      `var/lib/cni/results/lan-${one.name}-net1`,
      JSON.stringify({
        kind: "cniCacheV1",
        networkName: "lan",
        containerId: one.name,
        netns: one.path,
        ifName: "net1",
        cniArgs: [
          ["K8S_POD_NAMESPACE", "shop"],
          ["K8S_POD_NAME", "web-0"]
        ]
      })
    )
    const { status, stdout, stderr } = await macvtap(host, "list", "--json", "--root", root.path)
    assert.strictEqual(status, 0, stderr)
    const all: ReadonlyArray<Record<string, unknown>> = JSON.parse(stdout).attachments
    for (const [container, network, mode, owner, pod] of [
      [one, "lan", "bridge", 107, { namespace: "shop", name: "web-0", uid: null }],
      [two, "private", "private", 0, null]
    ] as const) {
      const link = await ipLink(container.name, "net1")
      const node = await stat(`/dev/tap${link?.ifindex}`)
      assert.deepStrictEqual(
        all.find((attachment) => attachment["container"] === container.name),
        {
          network,
          container: container.name,
          knownBy: pod === null ? "alias" : "runtime",
          deviceID: null,
          pod,
          ifname: "net1",
          mac: link?.address,
          master: "eth0",
          kind: "macvtap",
          mode,
          tap: {
            node: `/dev/tap${link?.ifindex}`,
            device: `${(node.rdev >> 8) & 0xfff}:${(node.rdev & 0xff) | ((node.rdev >> 12) & 0xfff00)}`,
            owner,
            group: owner,
            mode: "0660",
            problem: null
          },
          netns: container.path,
          ifindex: link?.ifindex,
          up: true
        }
      )
    }
    const table = await macvtap(host, "list", "--root", root.path)
    assert.match(
      table.stdout,
      new RegExp(`^lan +${one.name} +shop/web-0 +net1 +\\S+ +eth0 +bridge +/dev/tap\\d+ 107:107 0660$`, "m")
    )
    assert.include((await macvtap(host, "list", "--mermaid", "--root", root.path)).stdout, '["shop/web-0"]')
  })

  it("examines the node that it runs on", async () => {
    await using host = await makeHost("in-doctor")
    // Of an ifindex that no other host's master has: what is on it is told by that.
    await host.ip(`link add lower0 index ${1_000_000 + process.pid} type veth peer name lower1`)
    for (const link of ["lower0", "lower1"]) await host.ip(`link set ${link} up`)
    await using root = await makeFolder("in-doctor")
    await mkdir(join(root.path, "opt/cni/bin"), { recursive: true })
    await must(executable, ["install", "--to", join(root.path, "opt/cni/bin")], { env })
    await writeBelow(
      root.path,
      "etc/cni/net.d/1.conf",
      JSON.stringify({ cniVersion: "1.0.0", name: "lan", type: "macvtap", master: "lower0" })
    )
    const examine = async () => (await macvtap(host, "doctor", "--root", root.path)).stdout
    const well = await examine()
    assert.match(well, /^fine {3}rights: /m)
    assert.match(well, /^fine {3}kernel: it makes links of kind macvtap and macvlan$/m)
    assert.match(well, /^fine {3}CNI plugin: .*\/opt\/cni\/bin\/macvtap is (the client of )?version 0\.1\.0$/m)
    assert.match(well, /^fine {3}lower device lower0: up, MTU 1500, 0 links on it \(network "lan"\)$/m)
    await host.ip("link add br0 type bridge")
    await host.ip("link set lower0 master br0")
    assert.match(await examine(), /^WRONG {2}lower device lower0: it is a port of br0, /m)
    await host.ip("link set lower0 nomaster")
    await host.ip("link set lower0 down")
    assert.match(await examine(), /^WRONG {2}lower device lower0: it is down, .*; ip link set lower0 up$/m)
  })

  /** `uninstall` where only the given container is to be seen: others on this machine must not lose their links. */
  const uninstallAlone = (host: TestHost, container: TestNetns, root: string, before: string): Promise<RunResult> =>
    run(
      "unshare",
      [
        ...["--mount", "--pid", "--fork", "--mount-proc", "sh", "-euc"],
        `mkdir "$1/ns"; touch "$1/ns/host" "$1/ns/c"
         mount --bind /run/netns/${host.name} "$1/ns/host"; mount --bind ${container.path} "$1/ns/c"
         mount -t tmpfs tmpfs /run; mkdir /run/netns; touch /run/netns/c; mount --bind "$1/ns/c" /run/netns/c
         ${before}
         exec nsenter --net="$1/ns/host" "$0" uninstall --root "$1"`,
        executable,
        root
      ],
      { env }
    )

  it("takes a stale link back, and leaves one whose container lives", async () => {
    await using host = await makeHost("in-gone")
    await using container = await makeNetns("in-gone")
    await using root = await makeFolder("in-gone")
    await add(host, container)
    await mkdir(join(root.path, "opt/cni/bin"), { recursive: true })
    await must(executable, ["install", "--to", join(root.path, "opt/cni/bin")], { env })
    const alive = await uninstallAlone(host, container, root.path, "nsenter --net=/run/netns/c sleep 30 & sleep 0.3")
    assert.strictEqual(alive.status, 1, alive.stdout)
    assert.match(alive.stderr, /^macvtap uninstall: 1 attachment is in use: /)
    assert.isDefined(await ipLink(container.name, "net1"))
    await must("rm", ["-r", join(root.path, "ns")])
    const gone = await uninstallAlone(host, container, root.path, "")
    assert.strictEqual(gone.status, 0, gone.stderr)
    assert.include(gone.stdout, `removed link net1 of /run/netns/c (macvtap-cni:lan/${container.name}/net1)\n`)
    assert.include(gone.stdout, `removed plugin ${root.path}/opt/cni/bin/macvtap\n`)
    assert.deepStrictEqual(
      (await ipLinks(container.name)).map(({ ifname }) => ifname),
      ["lo"]
    )
    assert.deepStrictEqual(await readdir(join(root.path, "opt/cni/bin")), [])
  })
})
