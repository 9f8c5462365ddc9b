/** Programs of the node on the in-memory kernel: pods get their turn before each request, and a process may die at any. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import type { Kernel } from "../../../src/mock/Kernel.ts"
import { mockLayer } from "../../../src/mock/layer.ts"
import type { Answer } from "../../lab/call/inProcess.ts"
import { callOn } from "../../lab/call/onMock.ts"
import { aroundLayer } from "../../plugin/any/aroundLayer.ts"
import type { Attachment } from "./Pod.ts"
import type { Death } from "./steps.ts"

type Machine = ReturnType<typeof mockLayer>

/** What happens before the n-th request of a program. */
export type Befall = (n: number) => void

/** What happens to a call. */
export interface Happening {
  readonly befall?: Befall
  readonly death?: Death | undefined
  /** Laid over the configuration. */
  readonly more?: object
}

/** Runs it with its timeouts, of which some seconds pass at once where it waits. */
const patiently = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let turn = 0; turn < 20 && fiber.pollUnsafe() === undefined; turn++) yield* Effect.yieldNow
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("500 millis")
    return yield* Fiber.join(fiber)
  })

/** A program of the node that does not die. */
export const onNode = <A, E>(
  kernel: Kernel,
  befall: Befall,
  program: Effect.Effect<A, E, Layer.Success<Machine>>
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    kernel.resetRequests()
    kernel.onRequest(befall)
    return patiently(Effect.provide(program, mockLayer(kernel)))
  })

/** From its death on nothing that it asks for has any effect, and what it held open is closed. */
const dying = (kernel: Kernel, { at, moment }: Death): Machine => {
  let count = 0
  const dead = Effect.die(new Error("the process is dead"))
  return aroundLayer(kernel, (effect) =>
    Effect.suspend(() => {
      count++
      if (count < at) return effect
      return count === at && moment === "after" ? Effect.andThen(Effect.exit(effect), dead) : dead
    })
  )
}

/** A call of the runtime's for the attachment. */
export const cni = (
  kernel: Kernel,
  command: "ADD" | "DEL" | "CHECK" | "GC",
  attachment: Attachment,
  { befall = () => {}, death, more = {} }: Happening = {}
): Effect.Effect<Answer> =>
  Effect.suspend(() => {
    kernel.resetRequests()
    kernel.onRequest(befall)
    const { containerID, path, ifname, uid, conf, prevResult } = attachment
    const env = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: containerID,
      CNI_NETNS: path,
      CNI_IFNAME: ifname,
      CNI_PATH: "/opt/cni/bin",
      CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=lab;K8S_POD_NAME=${uid}${uid === "" ? "" : `;K8S_POD_UID=${uid}`}`
    }
    const stdin = { cniVersion: "1.1.0", ...conf, ...(prevResult === undefined ? {} : { prevResult }), ...more }
    const machine = death === undefined ? mockLayer(kernel) : dying(kernel, death)
    return patiently(callOn(kernel, { env, stdin }, { machine }))
  })
