/** Creation against concurrency: many calls started at once, each for a container of its own. */
import { existsSync } from "node:fs"
import { ipLinks } from "../test/lab/ip.ts"
import { expect } from "../test/lab/long/report.ts"
import type { Agent, Agents } from "./agents.ts"
import { type Attachment, callOf, fault, goMacvlan, programOf } from "./call.ts"
import { type Executables, pause } from "./cold.ts"
import { makeNamespaces, pathOf, removeNamespaces, type Scene } from "./scene.ts"
import { start } from "./spawn.ts"
import { median } from "./stats.ts"

/** Milliseconds from the first start to the last end, the harness subtracted, and CPU of the programs; medians. */
export interface Times {
  readonly add: number
  readonly del: number
  /** Of all programs together; an agent's is not in it. */
  readonly addCpu: number
  /** Of the agent: its CPU meanwhile, and what each ADD's requests took in the kernel, its turn (RTNL) included. */
  readonly agent?: { readonly cpu: number; readonly kernel: number }
}

export interface AtOncePoint {
  readonly calls: number
  /** As many programs that do nothing (/bin/true): what is subtracted from the others. */
  readonly nothing: number
  readonly client?: Times
  /** Through an agent that creates on the host and moves. */
  readonly movingClient?: Times
  readonly go?: Times
  /** The standalone executable, and the same that creates and moves. */
  readonly plugin?: Times
  readonly moving?: Times
}

type Key = "client" | "movingClient" | "go" | "plugin" | "moving"

interface Caller {
  readonly key: Key
  readonly executable: string
  readonly type: "macvtap" | "macvlan"
  /**
   * An engine for each call: more of them at once are another experiment, about memory. Moves are made one after the other,
   * 20 ms each.
   */
  readonly most: number
  readonly agent?: Agent
}

const callersOf = ({ plugin, moving }: Executables, agents: Agents): ReadonlyArray<Caller> => [
  ...[["client", agents.inPlace, 512] as const, ["movingClient", agents.moving, 110] as const].flatMap(
    ([key, agent, most]) =>
      agent === undefined ? [] : [{ key, executable: agent.client, type: "macvtap", most, agent } as const]
  ),
  ...(existsSync(goMacvlan) ? [{ key: "go", executable: goMacvlan, type: "macvlan", most: 512 } as const] : []),
  { key: "plugin", executable: plugin, type: "macvtap", most: 64 },
  { key: "moving", executable: moving, type: "macvtap", most: 64 }
]

export interface AtOnceForm {
  readonly sizes: ReadonlyArray<number>
  readonly runs: number
  /** Sizes with a target: as many more runs of the client and of whom it is compared with, since one run says little. */
  readonly telling: { readonly sizes: ReadonlyArray<number>; readonly more: number }
}

/** `calls` ADDs started at once, then as many DELs, by everyone in turn; a caller that is only for fewer is left out. */
export const callAtOnce = async (
  scene: Scene,
  executables: Executables,
  agents: Agents,
  { sizes, runs, telling }: AtOnceForm
): Promise<ReadonlyArray<AtOncePoint>> => {
  const containers = await makeNamespaces(
    scene,
    Array.from({ length: Math.max(...sizes) }, (_, index) => `once-${index}`)
  )
  const points: Array<AtOncePoint> = []
  for (const calls of sizes) {
    const attachments = containers
      .slice(0, calls)
      .map((netns): Attachment => ({ containerID: `bm${process.pid}-${netns}`, netns: pathOf(netns) }))
    const callers = callersOf(executables, agents).filter(({ most }) => calls <= most)
    const seen = new Map<Key, Array<Times>>(callers.map(({ key }) => [key, []]))
    const nothing: Array<number> = []
    const more = telling.sizes.includes(calls) ? telling.more : 0
    for (let run = 0; run < runs + more; run++) {
      const now = run < runs ? callers : callers.filter(({ key }) => key === "client" || key === "go")
      await pause()
      nothing.push(
        spanOf(
          attachments
            .map(() => start(scene.folder, { command: ["/bin/true"], env: {}, stdin: "" }))
            .map((started) => started.wait())
        )
      )
      for (const { key, executable, type, agent } of run % 2 === 0 ? now : now.toReversed()) {
        const all = (command: "ADD" | "DEL") => {
          const programs = attachments.map((attachment) => programOf(executable, callOf(command, type, attachment)))
          const ended = programs.map((program) => start(scene.folder, program)).map((started) => started.wait())
          const wrong = ended.map((one) => fault(command, one)).find((fault) => fault !== undefined)
          expect(`${calls} at once, ${key}: ${wrong}`, wrong === undefined)
          return ended
        }
        await pause()
        const before = await spentBy(agent)
        const added = all("ADD")
        const after = await spentBy(agent)
        await pause()
        const deleted = all("DEL")
        const addCpu = added.reduce((sum, { cpu }) => sum + cpu, 0)
        const spent =
          before === undefined || after === undefined
            ? {}
            : { agent: { cpu: after.cpu - before.cpu, kernel: (after.kernel - before.kernel) / calls } }
        seen.get(key)?.push({ add: spanOf(added), del: spanOf(deleted), addCpu, ...spent })
      }
    }
    const base = median(nothing)
    const timesOf = (key: Key): Times | undefined => {
      const all = seen.get(key) ?? []
      if (all.length === 0) return undefined
      const of = (value: (times: Times) => number): number => median(all.map(value))
      return {
        add: Math.max(0.01, of(({ add }) => add) - base),
        del: Math.max(0.01, of(({ del }) => del) - base),
        addCpu: of(({ addCpu }) => addCpu),
        ...(all[0]?.agent === undefined
          ? {}
          : { agent: { cpu: of(({ agent }) => agent?.cpu ?? 0), kernel: of(({ agent }) => agent?.kernel ?? 0) } })
      }
    }
    const found = callers.map(({ key }) => [key, timesOf(key)] as const)
    points.push({ calls, nothing: base, ...Object.fromEntries(found.filter(([, times]) => times !== undefined)) })
  }
  for (const netns of containers) {
    const left = (await ipLinks(netns)).filter(({ ifname }) => ifname !== "lo")
    expect(`${netns} has no link of ours any more`, left.length === 0, left)
  }
  await removeNamespaces(scene.folder, containers)
  return points
}

const spentBy = async (agent: Agent | undefined) =>
  agent === undefined ? undefined : { cpu: agent.cpu(), kernel: await agent.kernel() }

/** Milliseconds from the first start to the last end. */
const spanOf = (all: ReadonlyArray<{ readonly began: number; readonly ended: number }>): number =>
  Math.max(...all.map(({ ended }) => ended)) - Math.min(...all.map(({ began }) => began))
