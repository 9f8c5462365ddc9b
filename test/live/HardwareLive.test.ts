import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hardwareLive } from "../../src/live/device/HardwareLive.ts"
import { type Hardware, HardwareService, unknownHardware } from "../../src/services/HardwareService.ts"
import { makeFolder } from "../lab/folder.ts"

/** A sysfs of files: `path: content`, or `path: -> target`. */
const sysfs = async (entries: Readonly<Record<string, string>>) => {
  const folder = await makeFolder("dp-sys")
  for (const [path, content] of Object.entries(entries)) {
    const file = `${folder.path}/${path}`
    mkdirSync(dirname(file), { recursive: true })
    if (content.startsWith("-> ")) symlinkSync(content.slice(3), file)
    else writeFileSync(file, content)
  }
  return folder
}

const hardwareOf = (sys: string, name: string, index: number): Hardware =>
  Effect.runSync(
    HardwareService.pipe(
      Effect.map((service) => service.hardwareOf({ name, index })),
      Effect.provide(hardwareLive({ sys }))
    )
  )

describe("what sysfs says of a link", () => {
  it("a virtio card: its bus, and its PCI parent's NUMA node", async () => {
    await using sys = await sysfs({
      "devices/pci0000:00/0000:00:03.0/numa_node": "1\n",
      "devices/pci0000:00/0000:00:03.0/virtio2/subsystem": "-> ../../../../bus/virtio",
      "bus/virtio/drivers": "",
      "class/net/eth0/ifindex": "2\n",
      "class/net/eth0/type": "1\n",
      "class/net/eth0/device": "-> ../../../devices/pci0000:00/0000:00:03.0/virtio2"
    })
    const expected = { physical: true, ethernet: true, wireless: false, bus: "virtio", numaNodes: [1] }
    assert.deepStrictEqual(hardwareOf(sys.path, "eth0", 2), expected)
  })

  it("another namespace's link of the same name is another link", async () => {
    await using sys = await sysfs({ "class/net/eth0/ifindex": "2\n", "class/net/eth0/device/x": "" })
    assert.deepStrictEqual(hardwareOf(sys.path, "eth0", 7), unknownHardware)
    assert.deepStrictEqual(hardwareOf(sys.path, "eth1", 2), unknownHardware)
  })

  it("a bond has the NUMA nodes of its ports; a machine with one node says -1", async () => {
    await using sys = await sysfs({
      "devices/a/numa_node": "1\n",
      "devices/b/numa_node": "0\n",
      "devices/c/numa_node": "-1\n",
      ...Object.fromEntries(
        ["a", "b", "c"].flatMap((name, n) => [
          [`class/net/${name}/ifindex`, `${n + 1}`],
          [`class/net/${name}/device`, `-> ../../../devices/${name}`]
        ])
      ),
      "class/net/bond0/ifindex": "9\n",
      "class/net/bond0/type": "1\n",
      "class/net/bond0/lower_a": "-> ../a",
      "class/net/bond0/lower_b": "-> ../b",
      "class/net/bond0/lower_c": "-> ../c",
      "class/net/bond0/lower_bond0": "-> ../bond0"
    })
    const bond = { physical: false, ethernet: true, wireless: false, numaNodes: [0, 1] }
    assert.deepStrictEqual(hardwareOf(sys.path, "bond0", 9), bond)
    assert.deepStrictEqual(hardwareOf(sys.path, "c", 3).numaNodes, [])
  })

  it("Wi-Fi is known by its phy", async () => {
    await using sys = await sysfs({ "class/net/wlan0/ifindex": "3", "class/net/wlan0/phy80211/x": "" })
    assert.isTrue(hardwareOf(sys.path, "wlan0", 3).wireless)
  })
})
