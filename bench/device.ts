/** ADD through a device of the device plugin, and what another build of the executable takes for the same. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { encodeKubelet, kubeletFile } from "../src/devices/kubeletFile.ts"
import { defaultStateFolder, encodeResources, resourceDomain, resourcesFile } from "../src/devices/resources.ts"
import { expect } from "../test/lab/long/report.ts"
import { writeCheckpoint } from "../test/lab/node/checkpoint.ts"
import { type Call, callOf, fault, programOf } from "./call.ts"
import { type Executables, pause } from "./cold.ts"
import { makeNamespaces, pathOf, type Scene } from "./scene.ts"
import { measure } from "./spawn.ts"
import { pairedRatio, type Ratio, summarize } from "./stats.ts"

const callers = ["before", "plugin", "client"] as const
type Caller = (typeof callers)[number]
const ways = ["master", "deviceID"] as const
type Way = (typeof ways)[number]

/** Milliseconds of an ADD, medians, by who is called and what the network names. */
export interface Devices {
  readonly walls: Readonly<Partial<Record<Caller, Readonly<Record<Way, number>>>>>
  /** A device's ADD to one by master, of the same caller in the same rounds. */
  readonly toMaster: Readonly<Partial<Record<Caller, Ratio>>>
  /** This build's standalone executable to the other one. */
  readonly toBefore?: Readonly<Record<Way, Ratio>>
}

const device = "benchMvp0"
const pod = "0b1f0bcd-0000-4000-8000-000000000001"

/** What the daemon and the kubelet write down; the folders are in memory, and the bench's own. */
const writeDown = (folder: string): void => {
  const kubelet = join(folder, "kubelet")
  mkdirSync(kubelet)
  const resource = { lowerDevice: "eth0", mode: "bridge", capacity: 1, standalone: false }
  writeFileSync(resourcesFile(defaultStateFolder), encodeResources({ bench: resource }))
  writeFileSync(kubeletFile(defaultStateFolder), encodeKubelet({ folder: kubelet, checksOwner: true }))
  const given = { ResourceName: `${resourceDomain}/bench`, DeviceIDs: { "-1": [device] }, AllocResp: "" }
  writeCheckpoint(kubelet, [{ PodUID: pod, ContainerName: "c", ...given }])
}

const callBy = (way: Way, command: "ADD" | "DEL", netns: string): Call => {
  const call = callOf(command, "macvtap", { containerID: `bm${process.pid}-device-${way}`, netns: pathOf(netns) })
  if (way === "master") return call
  const { master: _, mode: __, ...network } = JSON.parse(call.stdin)
  return {
    env: { ...call.env, CNI_ARGS: `K8S_POD_UID=${pod}` },
    stdin: JSON.stringify({ ...network, deviceID: device })
  }
}

/** `before`: the path of another build. */
export const addByDevice = async (
  scene: Scene,
  { plugin, client }: Pick<Executables, "plugin" | "client">,
  before: string | undefined,
  rounds: number
): Promise<Devices> => {
  writeDown(scene.folder)
  const [netns = ""] = await makeNamespaces(scene, ["device"])
  const executables = { before, plugin, client }
  const those = callers.filter((caller) => executables[caller] !== undefined)
  const walls = new Map<string, Array<number>>()
  const of = (caller: Caller, way: Way): ReadonlyArray<number> => walls.get(`${caller} ${way}`) ?? []
  for (let round = -5; round < rounds; round++) {
    for (const caller of round % 2 === 0 ? those : those.toReversed()) {
      for (const way of ways) {
        await pause()
        for (const command of ["ADD", "DEL"] as const) {
          const ended = measure(scene.folder, programOf(executables[caller] ?? "", callBy(way, command, netns)))
          const wrong = fault(command, ended)
          expect(`${caller}, by ${way}: ${wrong}`, wrong === undefined)
          if (command === "ADD" && round >= 0) walls.set(`${caller} ${way}`, [...of(caller, way), ended.wall])
        }
      }
    }
  }
  const medianOf = (caller: Caller, way: Way): number => summarize(of(caller, way)).median
  const toBefore = (way: Way): Ratio => pairedRatio(of("plugin", way), of("before", way))
  return {
    walls: Object.fromEntries(
      those.map((caller) => [caller, { master: medianOf(caller, "master"), deviceID: medianOf(caller, "deviceID") }])
    ),
    toMaster: Object.fromEntries(
      those.map((caller) => [caller, pairedRatio(of(caller, "deviceID"), of(caller, "master"))])
    ),
    ...(before === undefined ? {} : { toBefore: { master: toBefore("master"), deviceID: toBefore("deviceID") } })
  }
}
