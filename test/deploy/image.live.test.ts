import { lstat, mkdir, readdir, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { buildClient } from "../../scripts/build/client.ts"
import { isArchitecture } from "../../scripts/build/packages.ts"
import { root } from "../../scripts/manifests.ts"
import { type Folder, makeFolder } from "../lab/folder.ts"
import { ipLink } from "../lab/ip.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { makeHost, makeNetns, type TestHost } from "../lab/netns.ts"
import { startKubelet } from "../lab/node/kubelet.ts"
import { ownResource } from "../lab/node/ownResource.ts"
import { attachmentEnv } from "../lab/plugin.ts"
import { must, run, until } from "../lab/run.ts"
import { buildImage, containerOf, hasPodman, makePod } from "./containers.ts"
import { documentsOf } from "./documents.ts"
import type { Manifest } from "./schema.ts"

const dataplane = ownResource("dataplane")
const taps = ownResource("taps")

const daemonSet = documentsOf("deploy/base/daemonset.yaml")[0] as Manifest
const installer = containerOf(daemonSet, "install")
const daemon = containerOf(daemonSet, "device-plugin")
const agent = containerOf(daemonSet, "agent")

/** What deploy/components/standalone makes of the daemon. */
const withRights = {
  ...daemon,
  securityContext: {
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "SYS_ADMIN", "MKNOD", "CHOWN", "FOWNER"] }
  }
}

/** An answer of the daemon's address, asked from within the node's network. */
const ask = (host: TestHost, path: string): Promise<string> => {
  const address = daemon.args.find((word) => word.startsWith("--listen="))?.slice("--listen=".length)
  return must("ip", [
    "netns",
    "exec",
    host.name,
    process.execPath,
    "-e",
    `fetch("http://${address}${path}").then((r) => r.text()).then(console.log)`
  ])
}

let image: string | undefined
let store: Folder

/** A node: a network with eth0, and the folders that stand in for the node's own. */
const makeNode = async (resources: ReadonlyArray<object>) => {
  const stack = new AsyncDisposableStack()
  const host = stack.use(await makeHost("in-image"))
  const folder = stack.use(await makeFolder("in-image"))
  const at = (path: string) => join(folder.path, path)
  const volumes = {
    "cni-bin": at("bin"),
    "device-plugins": at("kubelet"),
    state: at("lib/macvtap-cni"),
    config: at("config"),
    tmp: at("tmp"),
    agent: at("run")
  }
  for (const path of Object.values(volumes)) await mkdir(path, { recursive: true })
  await writeFile(join(volumes.config, "DP_MACVTAP_CONF"), JSON.stringify(resources))
  const kubelet = stack.use(await startKubelet(volumes["device-plugins"]))
  const pod = stack.use(await makePod(at("podman"), image ?? "", host.name, volumes))
  return { host, pod, kubelet, volumes, lib: at("lib"), [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

describe.skipIf(!hasMacvtap || !hasPodman)("the image, in containers with the rights of the manifest", () => {
  beforeAll(async () => {
    store = await makeFolder("in-archive")
    const file = join(store.path, "image.tar")
    image = (await buildImage(file)) === undefined ? undefined : file
  }, 300_000)
  afterAll(() => store[Symbol.asyncDispose]())

  it("installs the plugin, offers devices, and a pod gets its tap", { timeout: 120_000 }, async (context) => {
    if (image === undefined) return context.skip("Debian's packages are not to be had")
    await using node = await makeNode([{ name: dataplane, lowerDevice: "eth0", capacity: 5 }])
    const { host, pod, kubelet, volumes } = node
    const plugin = join(volumes["cni-bin"], "macvtap")

    const installed = await pod.run(installer)
    assert.strictEqual(installed.status, 0, installed.stderr)
    // The client where there was a compiler for it, and the executable beside it.
    assert.match(
      installed.stdout,
      /^(\/host\/opt\/cni\/bin\/macvtap-standalone: version 0\.1\.0 installed\n)?\/host\/opt\/cni\/bin\/macvtap: version 0\.1\.0 (of the client )?installed\n\/etc\/macvtap-cni\/policy\.json: not there; this node has no policy\n$/
    )
    assert.strictEqual((await stat(plugin)).mode & 0o7777, 0o755)
    await writeFile(join(volumes.config, "policy.json"), '{"version": 1, "rules": [{"deviceID": ["*"]}]}')
    const again = (await pod.run(installer)).stdout
    assert.match(again, /\/macvtap: up to date .*\n\/var\/lib\/macvtap-cni\/policy\.json: installed \(1 rule\)\n$/)
    assert.strictEqual((await stat(join(volumes.state, "policy.json"))).mode & 0o7777, 0o644)

    await using running = await pod.start(daemon)
    await kubelet.healthy(dataplane, 5, 30_000)
    assert.match(await ask(host, "/healthz"), /^ok\n/)
    assert.match(await ask(host, "/metrics"), /macvtap_devices\{[^}]*state="healthy"[^}]*\} 5/)

    const { devices, response } = await kubelet.allocate("pod-1", dataplane)
    const [device] = response.devices
    assert.match(device?.containerPath ?? "", /^\/dev\/tap\d+$/)
    // The kubelet's own host path; here the state folder is elsewhere.
    const promised = join(node.lib, (device?.hostPath ?? "").slice("/var/lib".length))

    // ADD as the runtime calls it on the node, whose /var/lib is the test's.
    await using container = await makeNetns("in-image")
    const call = (command: string) =>
      run(
        "unshare",
        [
          "--mount",
          "sh",
          "-c",
          `mount --bind "$0" /var/lib && exec nsenter --net=/run/netns/${host.name} "$1"`,
          node.lib,
          plugin
        ],
        {
          env: {
            PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
            CNI_COMMAND: command,
            CNI_CONTAINERID: "pod-1",
            CNI_NETNS: container.path,
            CNI_IFNAME: "net1",
            CNI_PATH: volumes["cni-bin"]
          },
          stdin: JSON.stringify({ cniVersion: "1.0.0", name: "dataplane", type: "macvtap", deviceID: devices[0] })
        }
      )
    const added = await call("ADD")
    assert.strictEqual(added.status, 0, added.stdout + added.stderr)
    const link = await ipLink(container.name, "net1")
    assert.strictEqual(`/dev/tap${link?.ifindex}`, device?.containerPath)
    const node1 = await lstat(promised)
    assert.deepStrictEqual(
      [node1.isCharacterDevice(), node1.uid, node1.gid, node1.mode & 0o7777],
      [true, 107, 107, 0o660]
    )
    await kubelet.preStart("pod-1", dataplane)
    const shown = await must("nsenter", [`--net=${host.path}`, plugin, "list", "--json", "--state-dir", volumes.state])
    const mine = JSON.parse(shown).attachments.find(({ netns }: { netns: string }) => netns === container.path)
    assert.deepInclude(mine.tap, { node: promised, owner: 107, group: 107, mode: "0660" })
    const deleted = await call("DEL")
    assert.strictEqual(deleted.status, 0, deleted.stdout)

    assert.strictEqual(await running.stop(), 0)
    const left = (await readdir(volumes["device-plugins"])).filter((name) => name.startsWith("macvtap"))
    assert.deepStrictEqual(left, [])
  })

  it("runs the agent, which answers the calls of a client on the host", { timeout: 120_000 }, async (context) => {
    if (image === undefined) return context.skip("Debian's packages are not to be had")
    await using node = await makeNode([])
    const { host, pod, volumes } = node
    const client = join(volumes["cni-bin"], "macvtap")
    const here = isArchitecture(process.arch) ? process.arch : "x64"
    const define = { AGENT_SOCKET: join(volumes.agent, "agent.sock") }
    const problem = buildClient({ root, target: here, here, out: client, define })
    if (problem !== undefined) return context.skip(`no client: ${problem}`)
    await using running = await pod.start(agent)
    await running.line(/listens on/, 30_000)
    // The kubelet makes the folder of a hostPath for all to enter.
    assert.strictEqual((await stat(volumes.agent)).mode & 0o7777, 0o700)
    await using container = await makeNetns("in-image")
    const call = (command: "ADD" | "CHECK" | "DEL", network: object) => {
      const attachment = { containerID: "pod-1", netns: container.path, ifname: "net1" }
      const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...attachmentEnv(command, attachment) }
      const stdin = JSON.stringify({ cniVersion: "1.0.0", name: "lan", type: "macvtap", master: "eth0", ...network })
      return run("nsenter", [`--net=${host.path}`, client], { env, stdin })
    }
    const added = await call("ADD", { owner: 1000, group: 1000 })
    assert.strictEqual(added.status, 0, added.stdout + added.stderr)
    const link = await ipLink(container.name, "net1")
    const tap = await lstat(`/dev/tap${link?.ifindex}`)
    assert.deepStrictEqual([tap.isCharacterDevice(), tap.uid, tap.gid, tap.mode & 0o7777], [true, 1000, 1000, 0o660])
    assert.strictEqual((await call("CHECK", { prevResult: JSON.parse(added.stdout) })).status, 0)
    assert.strictEqual((await call("DEL", {})).status, 0)
    assert.isUndefined(await ipLink(container.name, "net1"))
    assert.strictEqual(await running.stop(), 0)
  })

  it("makes standalone devices with the component's rights, and says what it lacks without them", {
    timeout: 120_000
  }, async (context) => {
    if (image === undefined) return context.skip("Debian's packages are not to be had")
    await using node = await makeNode([{ name: taps, lowerDevice: "eth0", capacity: 2, standalone: true }])
    const { host, pod, kubelet } = node
    {
      await using _ = await pod.start(daemon)
      await kubelet.healthy(taps, 2, 30_000)
      const refused = await kubelet.allocate("pod-1", taps).then(() => "allotted", String)
      assert.match(refused, /EPERM|Operation not permitted|CAP_/)
    }
    await until("the plugin is gone", () => kubelet.healthyNow(taps) === 0)
    await using _ = await pod.start(withRights)
    await kubelet.healthy(taps, 2, 30_000)
    const { response } = await kubelet.allocate("pod-1", taps)
    const made = await lstat(join(node.lib, (response.devices[0]?.hostPath ?? "").slice("/var/lib".length)))
    assert.deepStrictEqual([made.isCharacterDevice(), made.uid, made.gid, made.mode & 0o7777], [true, 107, 107, 0o660])
    const links = JSON.parse(await must("ip", ["-n", host.name, "-j", "-d", "link", "show", "type", "macvtap"]))
    assert.deepStrictEqual(
      links.map(({ link }: { link: string }) => link),
      ["eth0"]
    )
    await kubelet.preStart("pod-1", taps)
  })
})
