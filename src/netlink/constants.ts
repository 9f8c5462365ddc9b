/** Numbers of linux/netlink.h, rtnetlink.h, if_link.h, if_addr.h and if.h, by their C names. */

/** Netlink's own message types; everything from 0x10 on is the family's. */
export const NLMSG_NOOP = 1
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
export const NLMSG_OVERRUN = 4

export const RTM_NEWLINK = 16
export const RTM_DELLINK = 17
export const RTM_GETLINK = 18
export const RTM_NEWADDR = 20
export const RTM_DELADDR = 21
export const RTM_GETADDR = 22
export const RTM_NEWROUTE = 24
export const RTM_DELROUTE = 25
export const RTM_GETROUTE = 26
export const RTM_NEWNSID = 88
export const RTM_GETNSID = 90

export const NLM_F_REQUEST = 0x01
/** A dump is one reply in several messages, ended by NLMSG_DONE. */
export const NLM_F_MULTI = 0x02
export const NLM_F_ACK = 0x04
/** Whoever asks for a change is told of it too, as those who subscribed are. */
export const NLM_F_ECHO = 0x08
/** In messages of a dump: what is dumped changed meanwhile, ask again. */
export const NLM_F_DUMP_INTR = 0x10
/** NLM_F_ROOT | NLM_F_MATCH, with RTM_GET…; the same bits mean REPLACE and EXCL with RTM_NEW…. */
export const NLM_F_DUMP = 0x300
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400
/** In NLMSG_ERROR: only the request's header is quoted, not its body (NETLINK_CAP_ACK). */
export const NLM_F_CAPPED = 0x100
/** In NLMSG_ERROR and NLMSG_DONE: attributes follow (NETLINK_EXT_ACK). */
export const NLM_F_ACK_TLVS = 0x200

export const NLMSGERR_ATTR_MSG = 1

export const AF_UNSPEC = 0
export const AF_INET = 2
export const AF_INET6 = 10

export const IFF_UP = 0x1
/** With a carrier, too. */
export const IFF_RUNNING = 0x40
export const IFF_PROMISC = 0x100
export const IFF_ALLMULTI = 0x200

/** `#define IFNAMSIZ 16`, the NUL included. */
export const IFNAMSIZ = 16

export const IFLA_ADDRESS = 1
export const IFLA_IFNAME = 3
export const IFLA_MTU = 4
export const IFLA_LINK = 5
export const IFLA_MASTER = 10
export const IFLA_LINKINFO = 18
export const IFLA_IFALIAS = 20
export const IFLA_NET_NS_FD = 28
export const IFLA_EXT_MASK = 29
export const IFLA_LINK_NETNSID = 37
export const IFLA_NEW_IFINDEX = 49
export const IFLA_MIN_MTU = 50
export const IFLA_MAX_MTU = 51
export const IFLA_ALT_IFNAME = 53

export const IFLA_INFO_KIND = 1
export const IFLA_INFO_DATA = 2

/** `#define RTEXT_FILTER_SKIP_STATS (1 << 3)`: half of what the kernel says of a link is counters. */
export const RTEXT_FILTER_SKIP_STATS = 8

export const NETNSA_NSID = 1
export const NETNSA_FD = 3

export const IFA_ADDRESS = 1
export const IFA_LOCAL = 2
export const IFA_BROADCAST = 4
/** u32: ifa_flags has only eight bits. */
export const IFA_FLAGS = 8

export const IFA_F_NODAD = 0x02
export const IFA_F_OPTIMISTIC = 0x04
export const IFA_F_DADFAILED = 0x08
export const IFA_F_TENTATIVE = 0x40

export const RT_SCOPE_UNIVERSE = 0
export const RT_SCOPE_LINK = 253
export const RT_SCOPE_HOST = 254
/** In a request to delete: whatever scope it has. */
export const RT_SCOPE_NOWHERE = 255

export const RT_TABLE_UNSPEC = 0
export const RT_TABLE_MAIN = 254

/** In a request to delete or to list: whoever made it. */
export const RTPROT_UNSPEC = 0
/** What `ip route add` says: made by hand, not by a routing daemon. */
export const RTPROT_BOOT = 3

export const RTN_UNSPEC = 0
export const RTN_UNICAST = 1
/** The entry is a cached clone, no route of the table. */
export const RTM_F_CLONED = 0x200

export const RTA_DST = 1
export const RTA_OIF = 4
export const RTA_GATEWAY = 5
export const RTA_PRIORITY = 6
export const RTA_METRICS = 8
export const RTA_MULTIPATH = 9
export const RTA_TABLE = 15
/** A gateway of another family than the destination. */
export const RTA_VIA = 18

export const RTAX_MTU = 2
export const RTAX_ADVMSS = 8
