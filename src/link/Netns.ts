/** The namespace that a link is in, as whoever opened it holds it. */

/** An open handle on a network namespace; it keeps the namespace alive until its scope closes. */
export interface Netns {
  /** The path by which it was opened: `/run/netns/c1`. */
  readonly path: string
  /** An open file descriptor of this process, what IFLA_NET_NS_FD and setns(2) take. */
  readonly fd: number
  /** `<device>:<inode>` of the nsfs file: equal for two handles on one namespace, whatever their paths. */
  readonly id: string
}
