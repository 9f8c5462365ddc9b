/** Netlink's one alignment: messages, attributes and next hops all start at multiples of four bytes. */

/** `#define NLMSG_ALIGNTO 4U`, and NLA_ALIGNTO, RTNH_ALIGNTO: the same. */
const ALIGNTO = 4

/** `#define NLMSG_ALIGN(len) ( ((len)+NLMSG_ALIGNTO-1) & ~(NLMSG_ALIGNTO-1) )` */
export const align = (length: number): number => (length + ALIGNTO - 1) & ~(ALIGNTO - 1)
