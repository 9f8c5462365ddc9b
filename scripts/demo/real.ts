/** The story on this machine's kernel. This process is in a network namespace of its own, which stands in for the host. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, realpathSync, statSync, writeFileSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { macvtap } from "../../src/link/macvtap.ts"
import { liveServices } from "../../src/live/layer.ts"
import { NetlinkService } from "../../src/services/NetlinkService.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { exists, run } from "./programs.ts"
import type { Call, Resident, Seen, Stage } from "./Stage.ts"
import { lookThrough } from "./services.ts"
import { Surprise } from "./story.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const machine = Layer.succeedContext(liveServices({ knowsAbsence: false }))

const here = Effect.gen(function* () {
  const netns = yield* (yield* NetnsService).current
  return yield* (yield* NetlinkService).connect(netns)
})

/** Why the plugin cannot work here, in words that follow "this machine", or undefined. */
export const whyNot = (): Promise<string | undefined> =>
  Effect.runPromise(
    here.pipe(
      Effect.flatMap((rtnetlink) => rtnetlink.kindExists(macvtap)),
      Effect.map((known) => (known ? undefined : "has no macvtap in its kernel (CONFIG_MACVTAP)")),
      Effect.scoped,
      Effect.provide(machine),
      Effect.catchCause(() => Effect.succeed("gives no access to rtnetlink"))
    )
  )

/** Without iproute2: the veth by the plugin's own netlink, whose table for a veth is an empty one. */
const addVeth = Effect.gen(function* () {
  const rtnetlink = yield* here
  const veth = { kind: "veth", allmulti: false, attributes: {} }
  yield* rtnetlink.linkAdd({ kind: veth, name: "eth0", parent: 0, up: true })
  for (const link of yield* rtnetlink.linkList) {
    if (link.name.startsWith("veth")) yield* rtnetlink.linkSet(link.index, { up: true })
  }
}).pipe(Effect.scoped, Effect.provide(machine))

const addMacvtap = (name: string) =>
  here.pipe(
    Effect.flatMap((rtnetlink) =>
      Effect.flatMap(rtnetlink.linkGet("eth0"), ({ index }) =>
        rtnetlink.linkAdd({ kind: macvtap, name, parent: index, options: { mode: "bridge" } })
      )
    ),
    Effect.scoped,
    Effect.provide(machine)
  )

/** Takes the veth away, and with it every macvtap on it, before the namespaces go. */
export const takeDown = (): Promise<void> => {
  for (const agent of agents) agent.kill()
  return Effect.runPromise(
    here.pipe(
      Effect.flatMap((rtnetlink) => Effect.flatMap(rtnetlink.linkGet("eth0"), ({ index }) => rtnetlink.linkDel(index))),
      Effect.scoped,
      Effect.provide(machine),
      Effect.ignore
    )
  )
}

export const realStage = async (signal: AbortSignal): Promise<Stage> => {
  const executable = resolve(root, "dist/macvtap")
  const built = existsSync(executable)
  const command = built ? [executable] : [process.execPath, resolve(root, "src/main.ts")]
  const shown = relative(process.cwd(), built ? executable : resolve(root, "src/main.ts"))
  const runDir = realpathSync("/var/run") === "/run" ? "/var/run" : "/run"
  const netns = `${runDir}/netns/ns1`
  const hasIp = await exists("ip")
  const { links, look, tapNode } = lookThrough(machine)

  const type = async (typed: string): Promise<Seen> => {
    const [program = "", ...words] = typed.split(" ")
    const { status, stdout, stderr } = await run(program, words, { signal })
    if (status !== 0) throw new Surprise(`${typed}: ${stderr.trim()}`)
    return {
      typed,
      lines: stdout.split("\n").flatMap((line) => line.trimEnd() || [])
    }
  }

  return {
    program: built ? shown : `node ${shown}`,
    pluginPath: resolve(root, "dist"),
    timed: `each the whole life of one process${built ? "" : "; `npm run build` makes dist/macvtap, which starts in a tenth of the time"}`,
    netns,
    prepare: async () => {
      if (hasIp) {
        const words = ["ip netns add ns1", "ip link add eth0 type veth peer name wire0"]
        const up = ["ip link set wire0 up", "ip link set eth0 up"]
        const seen: Array<Seen> = []
        for (const typed of [...words, ...up]) seen.push(await type(typed))
        return seen
      }
      await mkdir(`${runDir}/netns`, { recursive: true })
      writeFileSync(netns, "")
      const made = await type(`unshare --net=${netns} true`)
      await Effect.runPromise(addVeth)
      return [
        made,
        {
          typed: "# (no iproute2 here: eth0 is made, and everything looked at, by the plugin's own netlink)",
          lines: []
        }
      ]
    },
    makeDevice: async (name) => {
      const typed = `ip link add link eth0 name ${name} type macvtap mode bridge`
      if (hasIp) return type(typed)
      await Effect.runPromise(addMacvtap(name))
      return { typed: `# what \`${typed}\` would do`, lines: [] }
    },
    look: () => (hasIp ? type("ip -n ns1 -d link") : look(netns, "# what `ip -n ns1 -d link` would show")),
    ifindex: async (name) => (await links(netns)).find((link) => link.name === name)?.index,
    tapNode: async (ifindex) => {
      const path = `/dev/tap${ifindex}`
      return statSync(path, { throwIfNoEntry: false }) === undefined ? tapNode(ifindex) : type(`ls -ln ${path}`)
    },
    call: ({ env, config }) => {
      const [program = "", ...args] = command
      return run(program, args, { env, stdin: JSON.stringify(config), signal })
    },
    trace: (call) => traced(command, call, signal),
    resident: residentWay(command, shown, signal)
  }
}

/** `macvtap trace -- CNI_COMMAND=… [program]`. */
const traced = (command: ReadonlyArray<string>, { env, config }: Call, signal: AbortSignal, program?: string) => {
  const [first = "", ...rest] = command
  const assigned = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const words = ["trace", "--", ...assigned, ...(program === undefined ? [] : [program])]
  return run(first, [...rest, ...words], { stdin: JSON.stringify(config), signal })
}

/** /run is this program's own: an agent listens there, for nobody else. */
const residentWay = (command: ReadonlyArray<string>, shown: string, signal: AbortSignal): Resident | string => {
  const client = resolve(root, "dist/macvtap-client")
  if (!existsSync(client)) return "where there is no dist/macvtap-client: it takes a C compiler and npm run build"
  const socket = "/run/macvtap-cni/agent.sock"
  return {
    program: relative(process.cwd(), client),
    start: async () => {
      const [program = "", ...args] = command
      const agent = spawn(program, [...args, "agent", "--log-level", "warning"], {
        stdio: ["ignore", "ignore", "pipe"]
      })
      agents.add(agent)
      let said = ""
      agent.stderr.on("data", (chunk) => {
        said += chunk
      })
      for (let tries = 0; !existsSync(socket); tries++) {
        if (agent.exitCode !== null || tries === 200) return said.trim() || "the agent does not listen"
        await new Promise((go) => setTimeout(go, 50))
      }
      return { typed: `${shown} agent &`, lines: [] }
    },
    call: ({ env, config }) => run(client, [], { env, stdin: JSON.stringify(config), signal }),
    trace: (call) => traced(command, call, signal, client)
  }
}

const agents = new Set<ChildProcess>()
