import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { deviceIndex, formatDeviceID } from "../../src/devices/deviceID.ts"
import { nodePath, resourcesFile } from "../../src/devices/resources.ts"
import { writeResources } from "../../src/devices/writeResources.ts"
import { makeReservation, reservationLive } from "../../src/live/device/ReservationLive.ts"
import { ownRoot, type Root } from "../../src/live/system/root.ts"
import { ReservationService } from "../../src/services/ReservationService.ts"
import { makeFolder } from "../lab/folder.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { makeHost, makeNetns } from "../lab/netns.ts"
import { must } from "../lab/run.ts"

const deviceID = "dataplaneMvp7"
const index = 886222855
const qemu = { owner: 107, group: 107, mode: 0o660 }

const on = <A, E>(
  stateFolder: string,
  use: (service: ReservationService["Service"]) => Effect.Effect<A, E>
): Promise<A> =>
  Effect.runPromise(ReservationService.pipe(Effect.flatMap(use), Effect.provide(reservationLive({ stateFolder }))))

/** What `stat` says of a node: type, number, owner, mode. */
const stat = async (path: string): Promise<string> => (await must("stat", ["-c", "%F %Hr:%Lr %u:%g %a", path])).trim()

const offered = { dataplane: { lowerDevice: "eth0", mode: "vepa", capacity: 100, standalone: false } }

describe("what ADD reads of a reserved device", () => {
  it("is what the daemon wrote, and what follows from the ID", async () => {
    await using folder = await makeFolder("dp-lookup")
    writeResources(folder.path, offered)
    assert.deepStrictEqual(await on(folder.path, (s) => s.lookup(deviceID)), {
      deviceID,
      resource: "dataplane",
      lowerDevice: "eth0",
      mode: "vepa",
      standalone: false,
      index,
      node: nodePath(folder.path, deviceID)
    })
  })

  it("is nothing where there is no daemon, or it offers no such resource", async () => {
    await using folder = await makeFolder("dp-lookup")
    assert.isUndefined(await on(folder.path, (s) => s.lookup(deviceID)))
    writeResources(folder.path, offered)
    assert.isUndefined(await on(folder.path, (s) => s.lookup("controlMvp7")))
    assert.isUndefined(await on(folder.path, (s) => s.lookup("../etc/passwd")))
  })

  it("is an error with advice where the file is damaged", async () => {
    await using folder = await makeFolder("dp-lookup")
    writeFileSync(resourcesFile(folder.path), `{ "version": 1, "reso`)
    const error = await on(folder.path, (s) => Effect.flip(s.lookup(deviceID)))
    assert.strictEqual(error.problem, "it is not JSON")
    assert.match(error.advice, /restart the device plugin/)
  })
})

describe.skipIf(!hasMacvtap)("the node of a reserved device", () => {
  // No other run's resource: the link behind a node is known by its ifindex.
  const id = { resource: `rl${process.pid}`, ordinal: 7 }
  const [deviceID, index] = [formatDeviceID(id), deviceIndex(id)]

  it("has the number, the owner and the mode that were asked for, whatever the umask", async () => {
    await using folder = await makeFolder("dp-node")
    const node = nodePath(folder.path, deviceID)
    const before = process.umask(0o077)
    try {
      await on(folder.path, (s) => s.makeNode({ node }, "246:300", qemu))
      assert.strictEqual(await stat(node), "character special file 246:300 107:107 660")
      await on(folder.path, (s) => s.makeNode({ node }, "511:70000", { owner: 0, group: 1, mode: 0o600 }))
      assert.strictEqual(await stat(node), "character special file 511:70000 0:1 600")
    } finally {
      process.umask(before)
    }
    assert.deepStrictEqual(readdirSync(`${folder.path}/dev`), [deviceID])
  })

  it("takes the place of a symbolic link, never of its target", async () => {
    await using folder = await makeFolder("dp-node")
    const node = nodePath(folder.path, deviceID)
    mkdirSync(`${folder.path}/dev`)
    writeFileSync(`${folder.path}/precious`, "text")
    symlinkSync(`${folder.path}/precious`, node)
    await on(folder.path, (s) => s.makeNode({ node }, "246:1", qemu))
    assert.strictEqual(await stat(node), "character special file 246:1 107:107 660")
    assert.strictEqual(readFileSync(`${folder.path}/precious`, "utf8"), "text")
    assert.strictEqual(statSync(`${folder.path}/precious`).uid, 0)
  })

  it("has a holder while a link of the device's ifindex is behind it, in whichever namespace", async () => {
    await using folder = await makeFolder("dp-node")
    await using host = await makeHost("dp-holder")
    await using pod = await makeNetns("dp-holder")
    const device = { node: nodePath(folder.path, deviceID), index }
    const holder = () => on(folder.path, (s) => s.holder(device))
    assert.isUndefined(await holder())

    await host.ip(`link add link eth0 name net1 index ${index} netns ${pod.name} type macvtap mode bridge`)
    const number = (await must("stat", ["-c", "%Hr:%Lr", `/dev/tap${index}`])).trim()
    // Anybody can make a link of that ifindex: without the device's own node it is nobody's former pod.
    assert.isUndefined(await holder())
    await on(folder.path, (s) => s.makeNode(device, number, qemu))
    assert.deepStrictEqual(await holder(), { path: device.node, device: number, link: "net1" })
    assert.isFalse(await on(folder.path, (s) => s.removeNode(deviceID)))
    assert.isTrue(existsSync(device.node))

    await pod.ip("link del net1")
    assert.isUndefined(await holder())
    // The number goes to the next link, another pod's: the node that stayed leads to it, and has no holder all the same.
    await host.ip(`link add link eth0 name net2 netns ${pod.name} type macvtap mode bridge`)
    assert.isUndefined(await holder())
    assert.isTrue(await on(folder.path, (s) => s.removeNode(deviceID)))
    assert.isTrue(await on(folder.path, (s) => s.removeNode(deviceID)))
    assert.deepStrictEqual(readdirSync(`${folder.path}/dev`), [])
  })

  it("that comes to life while it is removed is there again", async () => {
    await using folder = await makeFolder("dp-node")
    await using host = await makeHost("dp-alive")
    const node = nodePath(folder.path, deviceID)
    await on(folder.path, (s) => s.makeNode({ node }, "246:65000", qemu))
    await host.ip(`link add link eth0 name net1 index ${index} type macvtap mode bridge`)
    const number = (await must("stat", ["-c", "%Hr:%Lr", `/dev/tap${index}`])).trim()
    // The next pod's ADD makes the node between the look at it and its removal.
    let steps = 0
    const root: Root = {
      ...ownRoot,
      at: (path, step) => {
        if (++steps === 2)
          Effect.runSync(makeReservation({ stateFolder: folder.path }).makeNode({ node }, number, qemu))
        return ownRoot.at(path, step)
      }
    }
    const removed = await Effect.runPromise(makeReservation({ root, stateFolder: folder.path }).removeNode(deviceID))
    assert.isFalse(removed)
    assert.strictEqual(await stat(node), `character special file ${number} 107:107 660`)
    assert.deepStrictEqual(readdirSync(`${folder.path}/dev`), [deviceID])
  })
})
