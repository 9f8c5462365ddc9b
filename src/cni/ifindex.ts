/**
 * Which ifindex a created link gets. The kernel names the tap node after it in a /dev that all namespaces share, so it
 * has to be unique on the host; the caller tries one candidate after the other while a node or a link has it.
 */
import { xxHash64 } from "./xxHash64.ts"

/** Far from what the kernel counts up itself; [2^29, 2^30) is the device plugin's. */
const first = 2 ** 30
const size = 2 ** 30

/**
 * Ifindexes in [2^30, 2^31), always the same for an attachment, each once. The step is the attachment's own and odd, so
 * that the candidates of two attachments that meet once go different ways.
 */
export function* candidates(containerID: string, ifname: string): Generator<number, void> {
  const hash = xxHash64(`${containerID}/${ifname}`)
  const start = Number(hash & 0x3fffffffn)
  const step = Number((hash >> 32n) & 0x3fffffffn) | 1
  for (let probe = 0, index = start; probe < size; probe++, index = (index + step) % size) {
    yield first + index
  }
}
