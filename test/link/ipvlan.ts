/** ipvlan, as src/link/ipvlan.ts would be: a link that shares its parent's MAC address and has IP addresses of its own. */
import { namesCodec } from "../../src/link/codecs.ts"
import type { LinkKind } from "../../src/link/LinkKind.ts"

const IFLA_IPVLAN_MODE = 1
const IFLA_IPVLAN_FLAGS = 2

export const ipvlan: LinkKind = {
  kind: "ipvlan",
  allmulti: false,
  attributes: {
    mode: {
      type: IFLA_IPVLAN_MODE,
      codec: namesCodec({ l2: 0, l3: 1, l3s: 2 }, "u16"),
      key: "mode",
      default: "l2",
      checked: true
    },
    /** Which of the parent's other links it can talk to: all of them, none, or by way of the switch. */
    isolation: {
      type: IFLA_IPVLAN_FLAGS,
      codec: namesCodec({ bridge: 0, private: 1, vepa: 2 }, "u16"),
      key: "isolation",
      checked: true
    }
  }
}
