/**
 * Which ifindex a created link gets. The kernel names the tap node after it in a /dev that all namespaces share, so it
 * has to be unique on the host; the caller tries one candidate after the other while a node or a link has it.
 */
import { hash32 } from "../../wire/hash32.ts"

/** hash32's seeds of the two numbers that follow from an attachment. */
const startSeed = 0x811c9dc5
const stepSeed = 0x9e3779b1

/** Far from what the kernel counts up itself; [2^29, 2^30) is the device plugin's. */
const first = 2 ** 30
const size = 2 ** 30

/** The first is free but for one in some hundred thousand, where nobody takes them on purpose. */
const usual = 64

/** The kernel has 2^20 numbers for taps, so that not all of these can be taken. */
const all = 2 ** 20 + usual

/**
 * `count` ifindexes in [2^30, 2^31), always the same for an attachment, each once. The step is the attachment's own and
 * odd, so that the candidates of two attachments that meet once go different ways.
 */
export const candidates = (containerID: string, ifname: string, count = usual): ReadonlyArray<number> =>
  Array.from(sequence(containerID, ifname, count))

/** All that an attachment may get, however many somebody has taken: a container's ID can be known before its ADD. */
export const allCandidates = (containerID: string, ifname: string): Iterable<number> => ({
  [Symbol.iterator]: () => sequence(containerID, ifname, all)
})

const sequence = function* (containerID: string, ifname: string, count: number): Generator<number> {
  const attachment = `${containerID}/${ifname}`
  const start = hash32(attachment, startSeed) % size
  const step = (hash32(attachment, stepSeed) % size) | 1
  for (let probe = 0, index = start; probe < count; probe++, index = (index + step) % size) yield first + index
}
