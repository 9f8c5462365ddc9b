/** The attachments that a runtime lists for GC: those that are in use. */
import * as Result from "effect/Result"
import { type Decoder, list, struct } from "../decode/decode.ts"
import { optional, required, text } from "../decode/decoders.ts"

export interface AttachmentKey {
  readonly containerID: string
  readonly ifname: string
}

const attachments: Decoder<ReadonlyArray<AttachmentKey> | undefined> = optional(
  list(struct({ containerID: required(text), ifname: required(text) }))
)

/** The second is the name in the text of 1.1.0; libcni sends both. */
const lists = struct({ "cni.dev/valid-attachments": attachments, "cni.dev/attachments": attachments })

/**
 * The valid attachments of a GC. Neither key: none is valid, which is how `cnitool gc` says it. A malformed list is an
 * error, never an empty one: everything would be deleted.
 */
export const decodeValidAttachments: Decoder<ReadonlyArray<AttachmentKey>> = (document) =>
  Result.map(lists(document), (given) => given["cni.dev/valid-attachments"] ?? given["cni.dev/attachments"] ?? [])
