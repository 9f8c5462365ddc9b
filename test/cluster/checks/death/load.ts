/** Pods that come and go while something is done to the node, and one that lives through it. */
import { until } from "../../../lab/run.ts"
import { getJson, tryKubectl } from "../../pods/kubectl.ts"
import { create, describePod, eventsOf, linkOf, processOf, remove } from "../../pods/pods.ts"
import { assertSame } from "../Check.ts"

export interface Load {
  /** Pods that became ready, each after it was made. */
  readonly ready: number
  /** Pods that the kubelet refused for good (their phase is Failed), with what it said of the first. */
  readonly refused: ReadonlyArray<string>
  /** The longest that a pod took until it was ready, seconds. */
  readonly slowest: number
}

interface PodPhase {
  readonly status: { readonly phase: string; readonly reason?: string; readonly message?: string }
}

/** How long a pod of the load may take before the check fails, seconds: a container's back-off is part of it. */
const patience = 150

/** Waits for a pod until it is ready or refused; what the kubelet said where it refused it. */
const readyOrRefused = async (name: string): Promise<string | undefined> => {
  const end = Date.now() + patience * 1000
  while (Date.now() < end) {
    if ((await tryKubectl(`wait --for=condition=Ready pod/${name} --timeout=5s`)).status === 0) return undefined
    const { status } = await getJson<PodPhase>(`pod ${name}`)
    if (status.phase === "Failed") return `${status.reason}: ${status.message}`
  }
  throw new Error(`${name} is neither ready nor refused after ${patience} s: ${(await eventsOf(name)).join(" | ")}`)
}

/** Keeps three pods on macvtaps coming and going until `deed` is done and each has come once more after it. */
export const underLoad = async (deed: () => Promise<void>): Promise<Load> => {
  let [done, ready, slowest] = [false, 0, 0]
  const refused: Array<string> = []
  const worker = async (name: string): Promise<void> => {
    for (let last = false; !last; ) {
      last = done
      const began = Date.now()
      await create(describePod({ name, networks: ["lan"], devices: { lan: 1 } }))
      const words = await readyOrRefused(name)
      if (words === undefined) {
        await onMacvtap(name)
        ready++
        slowest = Math.max(slowest, (Date.now() - began) / 1000)
      } else refused.push(words)
      await remove(name)
      // A refused one is no success: once more.
      if (words !== undefined) last = false
    }
  }
  const workers = ["load-1", "load-2", "load-3"].map(worker)
  try {
    await new Promise((resolve) => setTimeout(resolve, 3000))
    await deed()
  } finally {
    done = true
    await Promise.all(workers)
  }
  return { ready, refused, slowest }
}

/** Ready is not all: without Multus a pod would be, too. What dies meanwhile is asked again. */
const onMacvtap = (name: string): Promise<void> =>
  until(
    `${name} has a macvtap net1`,
    () =>
      linkOf(name).then(
        ({ linkinfo }) => linkinfo?.info_kind === "macvtap",
        () => false
      ),
    20_000
  )

/** A load in words. */
export const inWords = ({ ready, refused, slowest }: Load): string => {
  const lost = refused.length === 0 ? "none refused for good" : `${refused.length} refused for good (${refused[0]})`
  return `${ready} pods came up on macvtaps meanwhile, the slowest in ${slowest.toFixed(1)} s, ${lost}`
}

/** Runs `deed` beside a pod that has to keep its process, its link and the link's number. */
export const besideKeeper = async <A>(name: string, deed: () => Promise<A>): Promise<A> => {
  const identity = async () => {
    const { ifindex, address } = await linkOf(name)
    return { process: await processOf(name), ifindex, address }
  }
  const before = await identity()
  const answer = await deed()
  assertSame(`${name}'s process and link`, await identity(), before)
  return answer
}
