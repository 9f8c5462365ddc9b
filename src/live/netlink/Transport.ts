/** What a conversation with the kernel goes over. */

export interface Datagram {
  readonly bytes: Uint8Array
  /** As it was sent; more than there are bytes where the buffer was too small. */
  readonly size: number
  /** nl_pid of the sender: 0 is the kernel. */
  readonly sender: number
}

/** How a thread that is not for one call alone waits for the kernel. */
export interface Shared {
  /** As `send` of the transport, from another thread; rejects as that throws. */
  readonly send: (bytes: Uint8Array) => Promise<unknown>
  /** Calls `ready` whenever there is something to receive, until the answer is called. */
  readonly watch: (ready: () => void) => () => void
}

/** A socket. Both functions throw errors that `errnoOf` understands. */
export interface Transport {
  readonly send: (bytes: Uint8Array) => void
  /** Of a process with many calls; absent where there is but this one. */
  readonly shared?: Shared
  /** Waits up to the socket's time limit, or not at all; EAGAIN where nothing came. The bytes are the caller's to keep. */
  readonly receive: (wait: boolean) => Datagram
  /** Milliseconds without a message of ours after which there is no answer. */
  readonly timeLimit: number
  /** Milliseconds, monotonic. */
  readonly now: () => number
}
