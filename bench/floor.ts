/**
 * The floor: the same calls answered in this process, again and again, by the plugin's own commands and services. No
 * process starts, every function has been called before; what is left is the work, and of that the kernel's part is timed.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { liveServices } from "../src/live/layer.ts"
import { call } from "../src/plugin/call.ts"
import { CallerService } from "../src/services/CallerService.ts"
import { NetlinkService } from "../src/services/NetlinkService.ts"
import type { Call } from "./call.ts"
import { makeNetlink as makeMoving } from "./variants/moving.ts"
import { spent } from "./variants/spent.ts"
import { makeNetlink as makeTimed } from "./variants/timedNetlink.ts"

export interface Answered {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  /** Milliseconds: all of it, this process's CPU, and of the first what the kernel took to answer netlink requests. */
  readonly wall: number
  readonly cpu: number
  readonly kernel: number
}

const services = liveServices({ knowsAbsence: false })

const machines = {
  inPlace: Context.add(services, NetlinkService, makeTimed()),
  moving: Context.add(services, NetlinkService, makeMoving())
}

export type Way = keyof typeof machines

/** One call in this process, whose first thread has to be in the host's namespace. */
export const answer = async (way: Way, { env, stdin }: Call): Promise<Answered> => {
  const stdout: Array<string> = []
  const stderr: Array<string> = []
  const caller = CallerService.of({
    answer: (text) => Effect.sync(() => void stdout.push(text)),
    tell: (text) => Effect.sync(() => void stderr.push(text))
  })
  const work = call({ program: "macvtap", env: { ...env }, stdin: Effect.succeed(stdin) }).pipe(
    Effect.provide(Context.add(machines[way], CallerService, caller))
  )
  spent.requests = 0
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  const status = await Effect.runPromise(work)
  const wall = performance.now() - began
  const cpu = process.cpuUsage(cpuBefore)
  return {
    status,
    stdout: stdout.join(""),
    stderr: stderr.join(""),
    wall,
    cpu: (cpu.user + cpu.system) / 1000,
    kernel: spent.requests
  }
}
