/** macvlan: a link with a MAC address of its own on a parent. Attributes as in linux/if_link.h. */
import { u32 } from "../wire/bytes.ts"
import { flagsCodec, macsCodec, namesCodec, s32Codec, u32Codec } from "./codecs.ts"
import type { LinkOptions } from "./Link.ts"
import type { LinkKind } from "./LinkKind.ts"

const IFLA_MACVLAN_MODE = 1
const IFLA_MACVLAN_FLAGS = 2
const IFLA_MACVLAN_MACADDR_MODE = 3
const IFLA_MACVLAN_MACADDR = 4
const IFLA_MACVLAN_MACADDR_DATA = 5
const IFLA_MACVLAN_BC_QUEUE_LEN = 7
const IFLA_MACVLAN_BC_QUEUE_LEN_USED = 8
const IFLA_MACVLAN_BC_CUTOFF = 9

/** Replaces the whole list of source addresses, with what MACADDR_DATA holds. */
const MACVLAN_MACADDR_SET = 3

/** A list belongs to mode source: elsewhere the kernel refuses it (EINVAL), and without one nothing would come through. */
const validate = ({ mode, sourceMACs }: LinkOptions): string | undefined => {
  if (mode === "source" && sourceMACs === undefined) {
    return 'mode "source" needs the key sourceMACs, the MAC addresses whose frames the link receives'
  }
  return sourceMACs !== undefined && mode !== "source"
    ? `sourceMACs is only valid with mode "source", not with mode ${JSON.stringify(mode ?? "bridge")}`
    : undefined
}

export const macvlan: LinkKind = {
  kind: "macvlan",
  allmulti: false,
  attributes: {
    mode: {
      type: IFLA_MACVLAN_MODE,
      codec: namesCodec({ bridge: 4, vepa: 2, private: 1, passthru: 8, source: 16 }, "u32"),
      key: "mode",
      default: "bridge",
      checked: true
    },
    flags: { type: IFLA_MACVLAN_FLAGS, codec: flagsCodec({ nopromisc: 1, nodst: 2 }) },
    sourceMACs: {
      type: IFLA_MACVLAN_MACADDR_DATA,
      codec: macsCodec(IFLA_MACVLAN_MACADDR),
      companions: [{ type: IFLA_MACVLAN_MACADDR_MODE, payload: u32(MACVLAN_MACADDR_SET) }],
      key: "sourceMACs",
      checked: true
    },
    /** Broadcasts that may wait on the parent: what this link asks for; the parent uses the greatest of its links'. */
    bcqueuelen: { type: IFLA_MACVLAN_BC_QUEUE_LEN, codec: u32Codec(1), key: "bcqueuelen", checked: true },
    bcQueueLenUsed: { type: IFLA_MACVLAN_BC_QUEUE_LEN_USED, codec: u32Codec() },
    bcCutoff: { type: IFLA_MACVLAN_BC_CUTOFF, codec: s32Codec }
  },
  /**
   * Setting IFF_ALLMULTI on a passthru link that is up sets it on the parent, for good: macvlan_change_rx_flags() counts it
   * there, and macvlan_stop() takes it off in the other modes only.
   */
  upLast: ({ mode }) => mode === "passthru",
  exclusive: ({ mode }) => mode === "passthru",
  validate
}
