/** Where to listen, as a command line says it. */

export interface Address {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:9090`, `[::1]:9090`; `:9090` is the loopback's, not everybody's: the answer is for this machine. */
export const parseAddress = (text: string): Address | undefined => {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^[\]:]*)):(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65535) return undefined
  return { host: bracketed ?? (plain || "127.0.0.1"), port: Number(port) }
}
