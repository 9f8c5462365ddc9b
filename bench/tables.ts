/** The results as Markdown. */
import type { Command } from "./call.ts"
import { phaseNames } from "./phases.ts"
import { type Measured, type Results, targets } from "./results.ts"

const commands = ["ADD", "CHECK", "DEL", "VERSION"] as const

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map((_, index) => (index === 0 ? "---" : "---:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n")

const ms = (value: number | undefined): string => (value === undefined ? "" : `${value.toFixed(value < 10 ? 2 : 1)} ms`)

const times = (ratio: number | undefined): string => (ratio === undefined ? "" : `${ratio.toFixed(2)} ×`)

const wallCell = (measured: Measured | undefined, key: string): string => {
  if (measured === undefined) return ""
  const ratio = measured.againstGo === undefined ? (key === "go" ? "1 ×" : "") : times(measured.againstGo.ratio)
  return `${ms(measured.wall.median)}${ratio === "" ? "" : ` (${ratio})`}`
}

export const surroundingsText = ({ surroundings, cold }: Results): string => {
  const { date, processor, cores, memoryGiB, kernel, architecture, loadAverage, versions } = surroundings
  const runs = cold["plugin"]?.ADD?.wall.runs ?? 0
  return (
    `${date}, ${processor}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel} (${architecture}), load average ${loadAverage} ` +
    `at the start; ${runs} rounds. ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`
  )
}

export const targetsTable = (results: Results): string =>
  table(
    ["", "target", "measured", ""],
    targets(results).map(({ what, limit, found, met }) => [
      what,
      limit,
      found,
      met === undefined ? "not measured" : met ? "met" : "**not met**"
    ])
  )

/** The numbers that matter to who decides, against Go's macvlan in the same rounds. */
export const headlines = (results: Results): string => {
  const { ratios, atOnce, resident, surroundings } = results
  const ratio = (what: string): string => times(ratios[what]?.ratio) || "not measured"
  const burst = atOnce?.find(({ calls }) => calls === 110) ?? atOnce?.at(-1)
  const together =
    burst?.client === undefined || burst.go === undefined ? "not measured" : times(burst.client.add / burst.go.add)
  return table(
    ["beside Go's macvlan, whole processes", "with an agent", "standalone"],
    [
      ["a pod's ADD", ratio("ADD, client and agent, to Go's macvlan"), ratio("ADD, standalone, to Go's macvlan")],
      ["a pod's DEL", ratio("DEL, client and agent, to Go's macvlan"), ""],
      [`${burst?.calls ?? 110} ADDs at once`, together, ""],
      [
        `memory of one engine a node, after ${(resident?.calls ?? 0).toLocaleString("en")} calls`,
        resident === undefined ? "not measured" : `${resident.endMiB.toFixed(0)} MiB`,
        ""
      ]
    ]
  ).concat(
    `\n\n${surroundings.date}, ${surroundings.cores} cores, Linux ${surroundings.kernel}, load average ${surroundings.loadAverage} at the start.`
  )
}

export const wallTable = ({ cold, names }: Results): string =>
  table(
    ["wall time: median (ratio to Go's macvlan)", ...commands],
    Object.entries(cold).map(([key, of]) => [
      names[key] ?? key,
      ...commands.map((command) => wallCell(of[command], key))
    ])
  )

export const kernelTable = ({ cold, names }: Results): string =>
  table(
    ["the kernel's part of one long-lived process", "ADD", "CHECK", "DEL"],
    ["floor", "floorMoving"].flatMap((key) => {
      const of = cold[key]
      if (of === undefined) return []
      const cell = (command: Command): string => {
        const { wall, kernel } = of[command] ?? {}
        return wall === undefined || kernel === undefined
          ? ""
          : `${ms(kernel.median)} (${((100 * kernel.median) / wall.median).toFixed(0)} %)`
      }
      return [[names[key] ?? key, cell("ADD"), cell("CHECK"), cell("DEL")]]
    })
  )

export const cpuTable = ({ cold, names }: Results): string => {
  const cell = (key: string, command: Command): string => {
    const mine = cold[key]?.[command]?.cpu.median
    const go = cold["go"]?.[command]?.cpu.median
    if (mine === undefined) return ""
    return `${ms(mine)}${go === undefined ? "" : ` (${times(mine / go)})`}`
  }
  return table(
    ["CPU time, user and system: median (ratio of medians to Go's macvlan)", ...commands],
    Object.keys(cold).map((key) => [names[key] ?? key, ...commands.map((command) => cell(key, command))])
  )
}

export const memoryTable = ({ memory, names }: Results): string | undefined =>
  memory &&
  table(
    ["peak memory (ratio to Go's macvlan)", ...commands],
    Object.entries(memory).map(([key, of]) => [
      names[key] ?? key,
      ...commands.map((command) => {
        const mine = of[command]
        const go = memory["go"]?.[command]
        if (mine === undefined) return ""
        return `${mine.toFixed(1)} MiB${go === undefined ? "" : ` (${times(mine / go)})`}`
      })
    ])
  )

export const phasesTable = ({ phases }: Results): string | undefined => {
  if (phases === undefined) return undefined
  const keys = Object.keys(phaseNames) as ReadonlyArray<keyof typeof phaseNames>
  const order = ["VERSION", "ADD", "CHECK", "DEL"] as const
  return table(
    ["median (share of the whole)", ...order],
    [
      ...keys.map((key) => [
        phaseNames[key],
        ...order.map((command) => {
          const { [key]: value, wall } = phases[command]
          return `${ms(value)} (${((100 * value) / wall).toFixed(0)} %)`
        })
      ]),
      ["the whole process", ...order.map((command) => ms(phases[command].wall))],
      ["Go's whole macvlan, in the same rounds", ...order.map((command) => ms(phases[command].go))]
    ]
  )
}

export const askedTable = ({ asked }: Results): string | undefined =>
  asked &&
  table(
    ["under strace", "netlink requests", "dumps of links", "dumps of addresses", "folders listed"],
    Object.entries(asked).map(([name, { requests, linkDumps, otherDumps, listings }]) => [
      name,
      `${requests}`,
      `${linkDumps}`,
      `${otherDumps}`,
      `${listings}`
    ])
  )

export const linksTable = ({ links }: Results): string | undefined =>
  links &&
  table(
    [
      "other links on the host, and as many in the container",
      "ADD",
      "ADD, Go's macvlan",
      "ratio",
      "CHECK",
      "DEL",
      "ADD, long-lived process",
      "its kernel part"
    ],
    links.map(({ links, plugin, go, check, del, floor, kernel }) => [
      links.toLocaleString("en"),
      ms(plugin),
      ms(go),
      go === undefined ? "" : times(plugin / go),
      ms(check),
      ms(del),
      ms(floor),
      ms(kernel)
    ])
  )

export const atOnceTable = ({ atOnce }: Results): string | undefined =>
  atOnce &&
  table(
    [
      "started at once",
      "ADD: client and agent",
      "Go's macvlan",
      "ratio",
      "client and agent, created and moved",
      "standalone",
      "standalone, created and moved",
      "DEL: client and agent",
      "Go's macvlan",
      "ratio",
      "CPU of the ADDs: clients",
      "agent",
      "Go's",
      "in the kernel, for each: created in place",
      "created and moved"
    ],
    atOnce.map(({ calls, client, movingClient, go, plugin, moving }) => [
      `${calls}`,
      ms(client?.add),
      ms(go?.add),
      client === undefined || go === undefined ? "" : times(client.add / go.add),
      ms(movingClient?.add),
      ms(plugin?.add),
      ms(moving?.add),
      ms(client?.del),
      ms(go?.del),
      client === undefined || go === undefined ? "" : times(client.del / go.del),
      ms(client?.addCpu),
      ms(client?.agent?.cpu),
      ms(go?.addCpu),
      ms(client?.agent?.kernel),
      ms(movingClient?.agent?.kernel)
    ])
  )

export const burstTable = ({ burst }: Results): string | undefined =>
  burst &&
  table(
    [`${burst.calls} ADDs at once in 50 MiB`, "lost", "links of lost calls left behind", "peak, runtime and children"],
    (
      [
        ["client and agent", burst.client],
        ["Go's macvlan", burst.go],
        ["standalone", burst.plugin]
      ] as const
    ).flatMap(([name, outcome]) =>
      outcome === undefined
        ? []
        : [[name, `${outcome.lost}`, `${outcome.leftBehind}`, `${outcome.peakMiB.toFixed(1)} MiB`]]
    )
  )

export const residentText = ({ resident }: Results): string | undefined =>
  resident &&
  `The agent's resident memory: ${resident.startMiB.toFixed(1)} MiB at first, ${resident.middleMiB.toFixed(1)} MiB after ` +
    `${(resident.calls / 2).toLocaleString("en")} calls, ${resident.lateMiB.toFixed(1)} MiB after ` +
    `${resident.calls.toLocaleString("en")}, and ${resident.endMiB.toFixed(1)} MiB after a burst of ${resident.burst}.` +
    (resident.idle === undefined
      ? ""
      : ` Then, in ten seconds without a call, strace sees ${resident.idle} system calls of it.`)

export const warmingText = ({ warming }: Results): string | undefined =>
  warming &&
  `An agent's first ADD after its start took ${ms(warming.first)}; after ${warming.calls} rounds of ADD, CHECK and DEL one took ` +
    `${ms(warming.last)}. The rest of this page is measured after those.`

export const tracingTable = ({ tracing }: Results): string | undefined =>
  tracing &&
  table(
    ["ADD, client and agent", "median", "to off"],
    [
      ["tracing off", ms(tracing.off), ""],
      ["sampled at 1 %", ms(tracing.sampled), times(tracing.sampledToOff.ratio)],
      ["on", ms(tracing.on), times(tracing.onToOff.ratio)]
    ]
  )

export const devicesTable = ({ devices }: Results): string | undefined => {
  if (devices === undefined) return undefined
  const { walls, toMaster, toBefore } = devices
  const names = { before: "another build, standalone", plugin: "standalone", client: "client and agent" } as const
  const rows = (["before", "plugin", "client"] as const).flatMap((key) => {
    const of = walls[key]
    return of === undefined ? [] : [[names[key], ms(of.master), ms(of.deviceID), times(toMaster[key]?.ratio)]]
  })
  return table(["ADD", "by master", "by deviceID", "ratio"], rows).concat(
    toBefore === undefined
      ? ""
      : `\n\nThis build to the other one: ${times(toBefore.master.ratio)} by master, ${times(toBefore.deviceID.ratio)} by deviceID.`
  )
}

export const gcText = ({ collected, cold }: Results): string | undefined => {
  if (collected === undefined) return undefined
  const add = cold["plugin"]?.ADD?.wall.median ?? Number.NaN
  const del = cold["floor"]?.DEL?.wall.median ?? Number.NaN
  const { attachments, looks, removes, removed, client, adds } = collected
  const each = (removes - looks) / removed
  return (
    `GC with ${attachments} attachments in as many containers, none of them stale: ${ms(looks)} (${times(looks / add)} a cold ADD; ` +
    `${ms(looks / attachments)} for each). With ${removed} of them stale: ${ms(removes)}, which is ${ms(each)} for each link that it ` +
    `removes (${times(each / del)} what a DEL takes in one long-lived process).` +
    (client === undefined ? "" : ` Through client and agent: ${ms(client)}.`) +
    (adds === undefined
      ? ""
      : ` An ADD through client and agent takes ${ms(adds.alone)} beside none of those attachments, and ${ms(adds.beside)} beside all.`)
  )
}

/** One sentence on what the cold ADD is made of beside Go's whole process. */
export const remainsText = ({ phases, cold }: Results): string | undefined => {
  const add = cold["plugin"]?.ADD?.wall.median
  if (phases === undefined || add === undefined) return undefined
  const { start, modules, code, sockets, kernel, exit, wall, go } = phases.ADD
  const share = (value: number): string => `${((100 * value) / wall).toFixed(0)} %`
  const floor = cold["floor"]?.ADD
  return (
    `Of a cold ADD, ${share(start + exit)} is Bun starting before our first line and ending after our last; ${share(modules)} is loading and ` +
    `evaluating modules; ${share(code)} is our own code, run once and so never compiled; ${share(sockets + kernel)} is spent with the kernel.` +
    (floor === undefined
      ? ""
      : ` The same ADD takes ${times(floor.wall.median / add)} of that in a process that has answered before: the rest is being cold.`) +
    (go === undefined ? "" : ` Bun's start and end alone are ${times((start + exit) / go)} of Go's whole ADD.`)
  )
}
