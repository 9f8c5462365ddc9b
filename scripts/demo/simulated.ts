/** The story on the kernel in memory: the plugin's own code, on services that touch nothing. */
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import { macvtap } from "../../src/link/macvtap.ts"
import { makeKernel } from "../../src/mock/Kernel.ts"
import { mockLayer } from "../../src/mock/layer.ts"
import { type Ended, listening } from "../../src/observe/Ended.ts"
import { waterfall } from "../../src/observe/waterfall.ts"
import { call } from "../../src/plugin/call.ts"
import { CallerService } from "../../src/services/CallerService.ts"
import type { Answer, Call, Stage } from "./Stage.ts"
import { lookThrough } from "./services.ts"

const netns = "/var/run/netns/ns1"

export const simulatedStage = (): Stage => {
  const kernel = makeKernel()
  const machine = mockLayer(kernel)
  const { links, look, tapNode } = lookThrough(machine)
  const answer = async ({ env, config }: Call, tracer = Tracer.nativeTracer): Promise<Answer> => {
    const said = { stdout: "", stderr: "" }
    const caller = CallerService.of({
      answer: (text) =>
        Effect.sync(() => {
          said.stdout += text
        }),
      tell: (text) =>
        Effect.sync(() => {
          said.stderr += text
        })
    })
    const started = performance.now()
    const stdin = Effect.succeed(JSON.stringify(config))
    const status = await Effect.runPromise(
      call({ program: "macvtap", env, stdin }).pipe(
        Effect.provide(machine),
        Effect.provideService(CallerService, caller),
        Effect.provideService(Tracer.Tracer, tracer)
      )
    )
    return { status, ...said, milliseconds: performance.now() - started }
  }
  return {
    program: "dist/macvtap",
    pluginPath: "dist",
    timed: "the plugin's own code, in this process, on a kernel that is a few maps",
    netns,
    prepare: async () => {
      kernel.addNetns(netns)
      kernel.addVeth({ name: "eth0" }, { name: "wire0" })
      return ["ip netns add ns1", "ip link add eth0 type veth peer name wire0"].map((typed) => ({ typed, lines: [] }))
    },
    makeDevice: async (name) => {
      const parent = kernel.inside().link("eth0").index
      kernel.inside().linkAdd({ kind: macvtap, name, parent, options: { mode: "bridge" } })
      return { typed: `ip link add link eth0 name ${name} type macvtap mode bridge`, lines: [] }
    },
    look: () => look(netns, "ip -n ns1 -d link"),
    ifindex: async (name) => (await links(netns)).find((link) => link.name === name)?.index,
    tapNode,
    call: answer,
    trace: async (call) => {
      const spans: Array<Ended> = []
      const tracer = listening(Tracer.nativeTracer, (ended) => spans.push(ended))
      const answered = await answer(call, tracer)
      return { ...answered, stderr: waterfall(spans) }
    },
    resident: "on a kernel that is a few maps"
  }
}
