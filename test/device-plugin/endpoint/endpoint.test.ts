import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import * as Effect from "effect/Effect"
import { format } from "effect/observability/PrometheusMetrics"
import { assert, describe, it } from "vitest"
import { deviceIndex } from "../../../src/devices/deviceID.ts"
import { makeFolder } from "../../lab/folder.ts"
import { plainLink as link } from "../../lab/link.ts"
import { domain, startKubelet } from "../../lab/node/kubelet.ts"
import { startWorld } from "../../lab/node/world.ts"
import { until } from "../../lab/run.ts"

const config = [{ name: "dataplane", lowerDevice: "eth0", capacity: 5 }]
const links = [link("lo", 1), link("eth0", 2)]

const folders = async () => {
  const base = await makeFolder("dp")
  return Object.assign(base, { folder: `${base.path}/k`, state: `${base.path}/state` })
}

const sockets = (folder: string) => readdirSync(folder).filter((name) => name.startsWith("macvtap"))

describe("a resource's endpoint", () => {
  it("is registered, listed, and withdrawn with the daemon", async () => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder)
    const world = await startWorld({ ...place, config, links })
    await kubelet.healthy("dataplane", 5)
    assert.deepStrictEqual(
      kubelet.registrations.map(({ request }) => request),
      [
        {
          version: "v1beta1",
          endpoint: "macvtap-dataplane.sock",
          resourceName: `${domain}/dataplane`,
          options: { preStartRequired: true, getPreferredAllocationAvailable: true }
        }
      ]
    )
    assert.deepStrictEqual(kubelet.endpoint("dataplane")?.options, {
      preStartRequired: true,
      getPreferredAllocationAvailable: true
    })
    assert.deepStrictEqual(
      kubelet
        .endpoint("dataplane")
        ?.lists.at(-1)
        ?.devices.map(({ ID }) => ID),
      [0, 1, 2, 3, 4].map((i) => `dataplaneMvp${i}`)
    )
    const registered = async () =>
      /^macvtap_registered\{resource="dataplane"\} (\d)$/m.exec(await Effect.runPromise(format()))?.[1]
    assert.strictEqual(await registered(), "1")
    await world.stop()
    assert.strictEqual(await registered(), "0")
    await until("the stream's end", () => kubelet.endpoint("dataplane") === undefined, 1000)
    assert.deepStrictEqual(sockets(place.folder), [])
  })

  it("answers Allocate from the device's ID alone", async () => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder)
    await using _world = await startWorld({ ...place, config, links })
    await kubelet.healthy("dataplane", 5)
    const { devices, response } = await kubelet.allocate("pod1", "dataplane", 2)
    assert.deepStrictEqual(devices, ["dataplaneMvp0", "dataplaneMvp1"])
    assert.deepStrictEqual(response, {
      devices: [0, 1].map((ordinal) => ({
        containerPath: `/dev/tap${deviceIndex({ resource: "dataplane", ordinal })}`,
        hostPath: `${place.state}/dev/dataplaneMvp${ordinal}`,
        permissions: "rw"
      })),
      envs: {},
      mounts: [],
      annotations: {},
      cdiDevices: []
    })
    assert.isFalse(existsSync(`${place.state}/dev`))
    const refused = await kubelet.preStart("pod1", "dataplane").then(
      () => "",
      (error) => String(error)
    )
    assert.match(refused, /FAILED_PRECONDITION.*device dataplaneMvp0 has no link/)
    assert.match(refused, /k8s\.v1\.cni\.cncf\.io\/resourceName: macvtap\.network\.kubevirt\.io\/dataplane/)
  })

  it("refuses devices that are not its own", async () => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder)
    await using _world = await startWorld({ ...place, config, links })
    await kubelet.healthy("dataplane", 5)
    const { client } = kubelet.endpoint("dataplane") ?? assert.fail("no endpoint")
    for (const id of ["controlMvp0", "dataplane", "dataplaneMvp9999", "../../etc/passwd", ""]) {
      const words = await new Promise<string>((resolve) => {
        client.allocate({ containerRequests: [{ devicesIds: [id] }] }, (error) => resolve(String(error)))
      })
      assert.match(words, /INVALID_ARGUMENT.*is no device of macvtap/)
    }
  })

  it("is healthy while its lower device exists", async () => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder)
    await using world = await startWorld({ ...place, config, links })
    await kubelet.healthy("dataplane", 5)
    await world.setLinks([link("lo", 1)])
    await kubelet.healthy("dataplane", 0, 1000)
    assert.lengthOf(kubelet.endpoint("dataplane")?.lists.at(-1)?.devices ?? [], 5)
    await world.setLinks([link("lo", 1), link("eth0", 7)])
    await kubelet.healthy("dataplane", 5, 1000)
    assert.lengthOf(kubelet.registrations, 1)
  })

  it("is served before there is a kubelet, and registered when there is one", async () => {
    await using place = await folders()
    await using _world = await startWorld({ ...place, config, links })
    await new Promise((resolve) => setTimeout(resolve, 200))
    await using kubelet = await startKubelet(place.folder)
    await kubelet.healthy("dataplane", 5, 2000)
  })

  it("is registered with every new kubelet, killed and started anew many times", async () => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder)
    await using _world = await startWorld({ ...place, config, links })
    await kubelet.healthy("dataplane", 5)
    for (let n = 0; n < 10; n++) {
      await kubelet.stop()
      if (n % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 30 * n))
      await kubelet.start()
      await kubelet.healthy("dataplane", 5, 3000)
    }
    assert.deepStrictEqual(sockets(place.folder), ["macvtap-dataplane.sock"])
  })

  it("outlives its folder", async () => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder)
    await using _world = await startWorld({ ...place, config, links })
    await kubelet.healthy("dataplane", 5)
    await kubelet.stop()
    rmSync(place.folder, { recursive: true })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await kubelet.start()
    await kubelet.healthy("dataplane", 5, 3000)
  })

  it("comes back when its socket is removed under a living kubelet", async () => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder)
    await using _world = await startWorld({ ...place, config, links })
    await kubelet.healthy("dataplane", 5)
    rmSync(`${place.folder}/macvtap-dataplane.sock`)
    await until("a second registration", () => kubelet.registrations.length === 2, 3000)
    await kubelet.healthy("dataplane", 5, 1000)
  })

  it("takes the place of a stale socket, or of anything else of its name", async () => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder)
    const stale = createServer().listen(`${place.folder}/.stale`)
    await new Promise((resolve) => stale.on("listening", resolve))
    // A killed daemon leaves its socket; here its server lives, but under another name.
    renameSync(`${place.folder}/.stale`, `${place.folder}/macvtap-dataplane.sock`)
    writeFileSync(`${place.folder}/macvtap-other.sock`, "")
    await using _world = await startWorld({
      ...place,
      config: [...config, { name: "other", lowerDevice: "eth0", capacity: 1 }],
      links
    })
    await kubelet.healthy("dataplane", 5)
    await kubelet.healthy("other", 1)
    stale.close()
  })

  it("removes the sockets of a killed daemon, and of nobody else", async () => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder)
    const leave = async (name: string, killed: boolean) => {
      const server = createServer().listen(`${place.folder}/.tmp`)
      await new Promise((resolve) => server.on("listening", resolve))
      // Its server removes the name that it knows, and leaves this one.
      renameSync(`${place.folder}/.tmp`, `${place.folder}/${name}`)
      if (killed) await new Promise((resolve) => server.close(resolve))
      return server
    }
    await leave("macvtap-old.sock", true)
    await leave(".macvtap-abc123.sock", true)
    await leave("vendor.sock", true)
    const living = await leave("macvtap-living.sock", false)
    await using _world = await startWorld({ ...place, config, links })
    await kubelet.healthy("dataplane", 5)
    const names = readdirSync(place.folder).filter((name) => name.endsWith(".sock"))
    assert.deepStrictEqual(names.sort(), [
      "kubelet.sock",
      "macvtap-dataplane.sock",
      "macvtap-living.sock",
      "vendor.sock"
    ])
    living.close()
  })

  it.each(["1.37", "1.30"] as const)("is taken over by a second daemon, with a kubelet %s", async (release) => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder, release)
    await using old = await startWorld({ ...place, config, links })
    await kubelet.healthy("dataplane", 5)
    await using _next = await startWorld({ ...place, config, links })
    await until("both are registered", () => kubelet.registrations.length === 2)
    assert.deepStrictEqual(sockets(place.folder).sort(), ["macvtap-dataplane.sock", "macvtap2-dataplane.sock"])
    const gap = { since: 0, longest: 0 }
    const watch = setInterval(() => {
      const isThere = kubelet.healthyNow("dataplane") === 5
      if (isThere) gap.since = 0
      else gap.since ||= Date.now()
      gap.longest = Math.max(gap.longest, isThere ? 0 : Date.now() - gap.since)
    }, 1)
    await old.stop()
    await new Promise((resolve) => setTimeout(resolve, 500))
    clearInterval(watch)
    await kubelet.healthy("dataplane", 5)
    assert.deepStrictEqual(sockets(place.folder), ["macvtap2-dataplane.sock"])
    // 1.30 drops the new one with the old; it registers again at once.
    assert.isAtMost(gap.longest, release === "1.37" ? 0 : 250)
    assert.lengthOf(kubelet.registrations, release === "1.37" ? 2 : 3)
    assert.deepStrictEqual(
      old.logged.filter((line) => /taken|removed|dropped/.test(line)),
      []
    )
  })

  it("leaves its path to another that has taken it", async () => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder)
    await using world = await startWorld({ ...place, config, links })
    await kubelet.healthy("dataplane", 5)
    const other = createServer().listen(`${place.folder}/other.sock`)
    await new Promise((resolve) => other.on("listening", resolve))
    renameSync(`${place.folder}/other.sock`, `${place.folder}/macvtap-dataplane.sock`)
    await until("it has seen that", () => world.logged.some((line) => line.includes("taken the endpoint's place")))
    await world.stop()
    assert.deepStrictEqual(sockets(place.folder), ["macvtap-dataplane.sock"])
    other.close()
  })

  it("is known to the kubelet that says that it is connected already", async () => {
    await using place = await folders()
    await using kubelet = await startKubelet(place.folder)
    await using world = await startWorld({ ...place, config, links })
    await kubelet.healthy("dataplane", 5)
    chmodSync(`${place.folder}/kubelet.sock`, 0o700)
    await until("a second try", () => world.status().get("resource dataplane")?.words === "registered with the kubelet")
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.strictEqual(world.status().get("resource dataplane")?.words, "registered with the kubelet")
    assert.lengthOf(kubelet.registrations, 1)
  })

  it("registers again after a kubelet that refuses, or does not call back", async () => {
    await using place = await folders()
    mkdirSync(place.folder)
    // Somebody listens, but speaks no gRPC.
    const mute = createServer((socket) => socket.destroy()).listen(`${place.folder}/kubelet.sock`)
    await using world = await startWorld({ ...place, config, links })
    await until("a failed registration", () =>
      world.logged.some((line) => line.includes("does not take the registration"))
    )
    mute.close()
    await using kubelet = await startKubelet(place.folder)
    await kubelet.healthy("dataplane", 5, 2000)
  })

  it("has a short name where its own would be too long for a unix socket", async () => {
    await using place = await folders()
    const folder = `${place.folder}/${"deep".repeat(11)}`
    const name = `n${"a".repeat(55)}`
    await using kubelet = await startKubelet(folder)
    await using _world = await startWorld({
      ...place,
      folder,
      config: [{ name, lowerDevice: "eth0", capacity: 1 }],
      links
    })
    await kubelet.healthy(name, 1)
    assert.match(kubelet.registrations[0]?.request.endpoint ?? "", /^macvtap-\d+\.sock$/)
  })
})
