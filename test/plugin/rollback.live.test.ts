/** Each request of an ADD goes wrong in each way, on the real kernel: what `ip` and the nodes show is as before. */
import { existsSync } from "node:fs"
import { mkdir, readdir, readlink } from "node:fs/promises"
import { join } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { assert, describe, it } from "vitest"
import { candidates } from "../../src/cni/identity/ifindex.ts"
import { deviceIndex } from "../../src/devices/deviceID.ts"
import { deviceName } from "../../src/devices/deviceName.ts"
import { nodePath } from "../../src/devices/resources.ts"
import { standaloneAlias } from "../../src/devices/standalone.ts"
import { writeResources } from "../../src/devices/writeResources.ts"
import { withFaults } from "../../src/mock/faults/layer.ts"
import { type Fault, makeRequests, type Requests } from "../../src/mock/faults/requests.ts"
import { type Answer, callWith } from "../lab/call/inProcess.ts"
import { servicesIn } from "../lab/call/servicesIn.ts"
import { makeStub, type Stub, says } from "../lab/call/stub.ts"
import { assertError } from "../lab/call/wellFormed.ts"
import { makeFolder } from "../lab/folder.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { makeHost, makeNetns, type TestHost, type TestNetns } from "../lab/netns.ts"
import { attachmentEnv } from "../lab/plugin.ts"
import { must } from "../lab/run.ts"
import { nodeStatus } from "../lab/tap.ts"
import { ways } from "./any/ways.ts"

interface Scene extends AsyncDisposable {
  readonly host: TestHost
  readonly pod: TestNetns
  readonly state: string
  readonly stub: Stub
}

const makeScene = async (): Promise<Scene> => {
  const stack = new AsyncDisposableStack()
  const host = stack.use(await makeHost("rb-host"))
  const pod = stack.use(await makeNetns("rb-pod"))
  const folder = stack.use(await makeFolder("rb-state"))
  const stub = stack.use(
    await makeStub({
      ADD: `: > "$(dirname "$0")/reserved"\n${says({ cniVersion: "1.1.0", ips: [{ address: "10.9.0.5/24" }] })}`,
      DEL: 'rm -f "$(dirname "$0")/reserved"'
    })
  )
  // Link-local addresses and routes of the host's come some time after their links.
  await must("ip", ["netns", "exec", host.name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"])
  return { host, pod, state: folder.path, stub, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** No other run's resource, so that its devices' ifindexes are no other's. */
const resource = `rb${process.pid}`
const deviceID = `${resource}Mvp1`
const index = deviceIndex({ resource, ordinal: 1 })
const importIndex = 800_000_000 + (process.pid % 100_000) * 1000

interface Scenario {
  readonly conf: object
  /** What has to be there before an ADD. */
  readonly prepare?: (scene: Scene) => Promise<void>
}

const offer = ({ state }: Scene, standalone: boolean): void =>
  writeResources(state, { [resource]: { lowerDevice: "eth0", mode: "bridge", capacity: 4, standalone } })

const scenarios: Readonly<Record<string, Scenario>> = {
  "a plain ADD": { conf: { mac: "02:00:00:00:00:42", mtu: 1400, promiscMode: true, owner: 1000, group: 1000 } },
  "an ADD with IPAM": { conf: { ipam: { type: "stub" } } },
  "an ADD with host access": {
    conf: { hostAccess: true, ipam: { type: "stub" } },
    prepare: async ({ host }) => void (await host.ip("addr replace 10.9.0.1/24 dev eth0"))
  },
  "an import": {
    conf: { deviceID: "dev0", mac: "02:00:00:00:00:42", mode: "private", promiscMode: true, ipam: { type: "stub" } },
    prepare: async ({ host }) => {
      await host.ip(`link add link eth0 name dev0 index ${importIndex} mtu 1400 type macvtap mode vepa`)
      await host.ip("link set dev0 up alias somebody's address 02:00:00:00:00:43")
    }
  },
  "a reserved device": { conf: { deviceID }, prepare: async (scene) => offer(scene, false) },
  "a standalone device": {
    conf: { deviceID },
    prepare: async (scene) => {
      offer(scene, true)
      const [name, node] = [deviceName(deviceID), nodePath(scene.state, deviceID)]
      await scene.host.ip(`link add link eth0 name ${name} index ${index} address 02:00:00:00:00:43 type macvtap`)
      await scene.host.ip(`link set ${name} up alias ${standaloneAlias(deviceID)}`)
      await mkdir(join(scene.state, "dev"), { recursive: true })
      const { device = "" } = (await nodeStatus(`/dev/tap${index}`)) ?? {}
      await must("sh", [
        "-ec",
        `rm -f "$0"; mknod "$0" c $1 $2; chown 107:107 "$0"; chmod 660 "$0"`,
        node,
        ...device.split(":")
      ])
    }
  }
}

const call = (scene: Scene, { conf }: Scenario, command: "ADD" | "DEL", requests: Requests): Promise<Answer> => {
  const live = servicesIn(scene.host, scene.state)
  const { pod, stub } = scene
  const env = attachmentEnv(command, { containerID: pod.name, netns: pod.path, path: stub.path })
  return Effect.runPromise(
    callWith(Layer.succeedContext(Context.merge(live, withFaults(requests, live))), {
      env: { ...env, PATH: process.env["PATH"] },
      stdin: { cniVersion: "1.1.0", name: "lan", type: "macvtap", master: "eth0", ...conf }
    })
  )
}

/**
 * A node: whose it is, and the link behind it, which the kernel names for every namespace: `/sys/dev/char/246:1` is
 * `../../devices/virtual/net/net1/macvtap/tap700000001`. Its number changes when the link is moved.
 */
const seenNode = async (path: string) => {
  const status = await nodeStatus(path)
  if (status === undefined) return undefined
  const { device, ...rights } = status
  return { ...rights, of: await readlink(`/sys/dev/char/${device}`).catch(() => "no link") }
}

const shownIn = async (netns: string, ...family: ReadonlyArray<string>) =>
  (
    await must("ip", ["-n", netns, "-j", "-d", ...family, "-batch", "-"], {
      stdin: "address show\nroute show table all\n"
    })
  )
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

/** What another sees of the scene. */
const seen = async ({ host, pod, state, stub }: Scene): Promise<unknown> => {
  const paths = [importIndex, index, ...candidates(pod.name, "net1", 3)].map((one) => `/dev/tap${one}`)
  const nodes = (await readdir(join(state, "dev")).catch(() => [])).map((name) => join(state, "dev", name))
  return {
    shown: await Promise.all([shownIn(host.name), shownIn(pod.name), shownIn(pod.name, "-6")]),
    nodes: await Promise.all([...paths, ...nodes].map(async (path) => [path, await seenNode(path)])),
    reserved: existsSync(join(stub.folder, "reserved"))
  }
}

const inWords = (fault: Fault): string => Object.values(fault).join(" ")

describe.skipIf(!hasMacvtap)("whatever goes wrong, on the kernel, with", () => {
  it.each(Object.entries(scenarios))("%s", { timeout: 120_000 }, async (_, scenario) => {
    await using scene = await makeScene()
    await scenario.prepare?.(scene)
    const counted = makeRequests()
    const added = await call(scene, scenario, "ADD", counted)
    assert.strictEqual(added.status, 0, added.stdout)
    const total = counted.count
    const again = async () => {
      assert.strictEqual((await call(scene, scenario, "DEL", makeRequests())).status, 0)
      await scenario.prepare?.(scene)
      return await seen(scene)
    }
    let before = await again()
    let failed = 0
    for (let n = 1; n <= total; n++) {
      for (const fault of ways) {
        const requests = makeRequests()
        requests.faults.set(n, fault)
        const answer = await call(scene, scenario, "ADD", requests)
        const where = `${inWords(fault)} at ${n}: ${requests.log[n - 1]}`
        if (answer.status === 0) {
          before = await again()
          continue
        }
        failed++
        assertError(answer.stdout)
        assert.deepStrictEqual(await seen(scene), before, where)
      }
    }
    assert.isAbove(failed, total * 2)
  })
})
