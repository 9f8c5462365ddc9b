/** What a conversation with the kernel goes over. */

export interface Datagram {
  readonly bytes: Uint8Array
  /** As it was sent; more than there are bytes where the buffer was too small. */
  readonly size: number
  /** nl_pid of the sender: 0 is the kernel. */
  readonly sender: number
}

/** A socket. Both functions throw errors that `errnoOf` understands. */
export interface Transport {
  readonly send: (bytes: Uint8Array) => void
  /** The same from another thread, for requests within which the kernel waits; rejects as `send` throws. */
  readonly sendWaiting?: (bytes: Uint8Array) => Promise<unknown>
  /** Whether nobody minds that this thread waits while the kernel makes a link. */
  readonly alone?: () => boolean
  /** Waits up to the socket's time limit, or not at all; EAGAIN where nothing came. The bytes are the caller's to keep. */
  readonly receive: (wait: boolean) => Datagram
  /** Milliseconds without a message of ours after which there is no answer. */
  readonly timeLimit: number
  /** Milliseconds, monotonic. */
  readonly now: () => number
}
