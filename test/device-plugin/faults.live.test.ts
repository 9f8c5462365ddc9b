import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { assert, describe, it } from "vitest"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { kill, makeNode } from "../lab/node/node.ts"
import { ownResource } from "../lab/node/ownResource.ts"
import { must, run, until } from "../lab/run.ts"
import { linkDevice, nodeStatus } from "../lab/tap.ts"

const dataplane = ownResource("dataplane")
const late = ownResource("late")

const config = [{ name: dataplane, lowerDevice: "eth0", capacity: 120 }]

/** Milliseconds until the last list of devices with that many healthy ones came. */
const msSince = (start: number, lists: ReadonlyArray<{ readonly at: number }> | undefined): number =>
  (lists?.at(-1)?.at ?? Number.POSITIVE_INFINITY) - start

describe.skipIf(!hasMacvtap || !hasExecutable)("the device plugin, when", () => {
  it("its lower device goes and comes back: told within a second, and pods are given the new one", async () => {
    await using node = await makeNode("lower")
    node.daemon(config)
    await node.kubelet.healthy(dataplane, 120)
    let start = Date.now()
    await node.host.ip("link del eth0")
    await node.kubelet.healthy(dataplane, 0, 1000)
    assert.isBelow(msSince(start, node.kubelet.endpoint(dataplane)?.lists), 1000)
    const lost = await node.call("ADD", await node.pod(), `${dataplane}Mvp0`)
    assert.match(JSON.parse(lost.stdout).msg, /eth0/)
    start = Date.now()
    await node.host.ip("link add eth0 type veth peer name wire0")
    await node.kubelet.healthy(dataplane, 120, 1000)
    assert.isBelow(msSince(start, node.kubelet.endpoint(dataplane)?.lists), 1000)
    assert.lengthOf(node.kubelet.registrations, 1)
    const pod = await node.pod()
    assert.strictEqual((await node.call("ADD", pod, `${dataplane}Mvp0`)).status, 0)
  })

  it("a node names its links otherwise: the first that fits, and the next when that goes", async () => {
    await using node = await makeNode("names")
    await node.host.ip("link add ens2 type bridge")
    await node.host.ip("link add ens10 type bridge")
    node.daemon([{ name: dataplane, lowerDevice: ["eno1", "ens*"], capacity: 2 }])
    await node.kubelet.healthy(dataplane, 2)
    const lower = () =>
      JSON.parse(readFileSync(`${node.state}/resources.json`, "utf8")).resources[dataplane].lowerDevice
    assert.strictEqual(lower(), "ens2")
    await node.host.ip("link del ens2")
    await until("ens10", () => lower() === "ens10", 1000)
    assert.strictEqual(node.kubelet.healthyNow(dataplane), 2)
    await node.host.ip("link set ens10 name other")
    await node.kubelet.healthy(dataplane, 0, 1000)
    assert.isUndefined(lower())
    const refused = await node.call("ADD", await node.pod(), `${dataplane}Mvp0`)
    assert.strictEqual(refused.status, 1)
    await node.host.ip("link set other name eno1")
    await node.kubelet.healthy(dataplane, 2, 1000)
    assert.strictEqual(lower(), "eno1")
  })

  it("its configuration file changes, also as a ConfigMap's does, and when it is wrong meanwhile", async () => {
    await using node = await makeNode("file")
    const file = `${node.folder}/config.json`
    const write = (resources: ReadonlyArray<object>) => writeFileSync(file, JSON.stringify(resources))
    write([{ name: "a", lowerDevice: "eth0", capacity: 1 }])
    const daemon = node.daemon(undefined, ["--config", file])
    await node.kubelet.healthy("a", 1)
    write([
      { name: "a", lowerDevice: "eth0", capacity: 3 },
      { name: "b", lowerDevice: "eth0", capacity: 2 }
    ])
    await node.kubelet.healthy("a", 3, 2000)
    await node.kubelet.healthy("b", 2, 2000)
    writeFileSync(file, `[{ "name": "a", "lowerDevice": "eth0", "capacity": "many" }]`)
    await daemon.line(/the last good one stays in force.*capacity/, 2000)
    assert.strictEqual(node.kubelet.healthyNow("a"), 3)
    await must("sh", [
      "-ec",
      `printf '[{"name":"b","lowerDevice":"eth0","capacity":2}]' >${file}.new; mv ${file}.new ${file}`
    ])
    await until("a is withdrawn", () => node.kubelet.endpoint("a") === undefined, 2000)
    assert.strictEqual(node.kubelet.healthyNow("b"), 2)
    assert.deepStrictEqual(Object.keys(JSON.parse(readFileSync(`${node.state}/resources.json`, "utf8")).resources), [
      "b"
    ])
  })

  it("the configuration is wrong at the start: says so, and ends", async () => {
    await using node = await makeNode("wrong")
    const daemon = node.daemon([{ name: dataplane, lowerDevice: "eth0", mode: "brigde" }])
    assert.strictEqual(await daemon.ended, 1)
    assert.match(daemon.lines.join("\n"), /DP_MACVTAP_CONF: entry 1 \\"dataplane-\d+\\".*\\"mode\\" is \\"brigde\\"/)
    assert.isFalse(existsSync(`${node.state}/resources.json`))
  })

  it("a FIFO takes the place of its configuration, and of the kubelet's checkpoint: says so, and goes on", async () => {
    await using node = await makeNode("fifo")
    const file = `${node.folder}/config.json`
    const resources = [{ name: "a", lowerDevice: "eth0", capacity: 2, standalone: true }]
    writeFileSync(file, JSON.stringify(resources))
    const daemon = node.daemon(undefined, ["--config", file])
    await node.kubelet.healthy("a", 2)
    await must("sh", ["-ec", `rm ${file}; mkfifo ${file}`])
    await daemon.line(/the last good one stays in force.*config.json: is a FIFO, but must be a regular file/, 2000)
    await must("sh", [
      "-ec",
      `mkfifo ${node.kubelet.folder}/new; mv ${node.kubelet.folder}/new ${node.kubelet.folder}/kubelet_internal_checkpoint`
    ])
    await daemon.line(/kubelet_internal_checkpoint is a FIFO/, 2000)
    await node.host.ip("link del eth0")
    await node.kubelet.healthy("a", 0, 1000)
    await must("sh", ["-ec", `rm ${file}; head -c 10000000 /dev/zero | tr '\\0' '[' >${file}`])
    await daemon.line(/config.json: has more than the 1048576 bytes/, 2000)
    await node.host.ip("link add eth0 type veth peer name wire0")
    await node.kubelet.healthy("a", 2, 1000)
    const memory = readFileSync(`/proc/${daemon.pid}/status`, "utf8")
    assert.isBelow(Number(/^VmHWM:\s+(\d+) kB$/m.exec(memory)?.[1]), 96 * 1024)
  })

  it("the kubelet's socket speaks no gRPC, or nobody has it open: says why, in one line without a stack", async () => {
    await using node = await makeNode("mute")
    await node.kubelet.stop()
    const mute = createServer((socket) => socket.destroy()).listen(`${node.kubelet.folder}/kubelet.sock`)
    const daemon = node.daemon([{ name: "a", lowerDevice: "eth0", capacity: 2 }])
    await daemon.line(/"the kubelet does not take the registration: [A-Z_]+: \S+/, 5000)
    renameSync(`${node.kubelet.folder}/kubelet.sock`, `${node.kubelet.folder}/stale.sock`)
    mute.close()
    renameSync(`${node.kubelet.folder}/stale.sock`, `${node.kubelet.folder}/kubelet.sock`)
    await daemon.line(/"the kubelet does not take the registration: [A-Z_]+: .*connect/i, 5000)
    for (const line of daemon.lines) {
      const { message, cause } = JSON.parse(line)
      assert.isNotEmpty(message, line)
      assert.isUndefined(cause, line)
      assert.notMatch(line, /\\n|bunfs|\(\d+:\d+\)|\[object/)
    }
    await node.kubelet.start()
    await node.kubelet.healthy("a", 2)
  })

  it("the kernel has to drop link events: looks afresh, counts it, and goes on", async () => {
    await using node = await makeNode("overrun")
    const daemon = node.daemon([{ name: late, lowerDevice: "b199", capacity: 7 }], ["--listen", "127.0.0.1:9812"])
    await until("the resource", () => node.kubelet.endpoint(late) !== undefined)
    await node.host.ip("link set lo up")
    const pid = daemon.pid
    process.kill(pid, "SIGSTOP")
    const batch = Array.from(
      { length: 200 },
      (_, n) => `link add b${n} type bridge\nlink set b${n} up\nlink set b${n} down\n`
    )
    await must("ip", ["-n", node.host.name, "-batch", "-"], { stdin: batch.join("") })
    process.kill(pid, "SIGCONT")
    await node.kubelet.healthy(late, 7, 3000)
    const metrics = await must("nsenter", [`--net=${node.host.path}`, "curl", "-s", "http://127.0.0.1:9812/metrics"])
    assert.match(metrics, /^macvtap_link_event_overruns_total [1-9]/m)
    await node.host.ip("link del b199")
    await node.kubelet.healthy(late, 0, 1000)
  })

  it("its disk is full: offers nothing that ADD would not know, and everything once there is room", async () => {
    await using node = await makeNode("full")
    await must("mount", ["-t", "tmpfs", "-o", "size=64k", "dp-full", node.state])
    try {
      const file = `${node.folder}/config.json`
      writeFileSync(file, JSON.stringify([{ name: "a", lowerDevice: "eth0", capacity: 1 }]))
      node.daemon(undefined, ["--config", file, "--listen", "127.0.0.1:9810"])
      await node.kubelet.healthy("a", 1)
      const before = readFileSync(`${node.state}/resources.json`, "utf8")
      await run("sh", ["-c", `cat /dev/zero >${node.state}/ballast 2>/dev/null`])
      const resources = ["a", "b", "c"].map((name) => ({ name, lowerDevice: "eth0", capacity: 1 }))
      writeFileSync(file, JSON.stringify(resources.map((r) => (r.name === "a" ? { ...r, mode: "vepa" } : r))))
      // "a" would be made in the mode of before, so it is not offered meanwhile either.
      await node.kubelet.healthy("a", 0, 2000)
      assert.isUndefined(node.kubelet.endpoint("b"))
      assert.strictEqual(readFileSync(`${node.state}/resources.json`, "utf8"), before)
      rmSync(`${node.state}/ballast`)
      for (const name of ["a", "b", "c"]) await node.kubelet.healthy(name, 1, 5000)
      assert.strictEqual(JSON.parse(readFileSync(`${node.state}/resources.json`, "utf8")).resources.a.mode, "vepa")
    } finally {
      await run("umount", [node.state])
    }
  })

  it("110 pods come at once: each has a device of its own", async () => {
    await using node = await makeNode("many")
    node.daemon(config)
    await node.kubelet.healthy(dataplane, 120)
    const pods = []
    for (let n = 0; n < 110; n++) pods.push(await node.pod())
    const devices = await Promise.all(
      pods.map(async (pod) => (await node.kubelet.allocate(pod.name, dataplane)).devices[0] ?? "")
    )
    assert.strictEqual(new Set(devices).size, 110)
    // A runtime starts that many processes at once too.
    const results = await Promise.all(pods.map((pod, n) => node.call("ADD", pod, devices[n] ?? "")))
    assert.deepStrictEqual(
      results.filter(({ status }) => status !== 0),
      []
    )
    const numbers = new Set<string>()
    for (const [n, pod] of pods.entries()) {
      const link = (await pod.link()) ?? assert.fail("no link")
      const own = await linkDevice(pod.name, link)
      assert.strictEqual((await nodeStatus(node.nodeOf(devices[n] ?? "")))?.device, own)
      numbers.add(own)
    }
    assert.strictEqual(numbers.size, 110)
    await Promise.all(pods.map((pod) => node.kubelet.preStart(pod.name, dataplane)))
    const deleted = await Promise.all(pods.map((pod, n) => node.call("DEL", pod, devices[n] ?? "")))
    assert.deepStrictEqual(
      deleted.filter(({ status }) => status !== 0),
      []
    )
    assert.deepStrictEqual(readdirSync(`${node.state}/dev`), [])
  }, 120_000)

  it("it is killed at any moment: no device is lost, and none given twice", async () => {
    await using node = await makeNode("kill")
    const file = `${node.folder}/config.json`
    const resources = (n: number) => [{ name: dataplane, lowerDevice: "eth0", capacity: 40 + (n % 2) }]
    writeFileSync(file, JSON.stringify(resources(0)))
    const given = new Map<string, string>()
    for (let n = 0; n < 12; n++) {
      const daemon = node.daemon(undefined, ["--config", file])
      await node.kubelet.healthy(dataplane, 40 + (n % 2), 10_000)
      writeFileSync(file, JSON.stringify(resources(n + 1)))
      const asked = [0, 1, 2].map(async (k) => {
        const pod = `pod${n}-${k}`
        const allotment = await node.kubelet.allocate(pod, dataplane).catch(() => undefined)
        for (const device of allotment?.devices ?? []) {
          assert.isUndefined(given.get(device), `${device} is ${given.get(device)}'s and ${pod}'s`)
          given.set(device, pod)
        }
      })
      await new Promise((resolve) => setTimeout(resolve, n * 3))
      await kill(daemon)
      await Promise.all(asked)
      const text = readFileSync(`${node.state}/resources.json`, "utf8")
      assert.strictEqual(JSON.parse(text).resources[dataplane].lowerDevice, "eth0")
      await until("the plugin is dropped", () => node.kubelet.endpoint(dataplane) === undefined, 2000)
    }
    node.daemon(undefined, ["--config", file])
    await node.kubelet.healthy(dataplane, 40, 10_000)
    const free = 40 - given.size
    const rest = (await node.kubelet.allocate("rest", dataplane, free)).devices
    assert.strictEqual(new Set([...rest, ...given.keys()]).size, 40)
  })
})
