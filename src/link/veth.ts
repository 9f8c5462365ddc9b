/** veth: a cable with two ends, whose other end the kernel names. No kind of configurations: what placeholders stand on. */
import type { LinkKind } from "./LinkKind.ts"

export const veth: LinkKind = { kind: "veth", allmulti: false, attributes: {} }
