/**
 * What another plugin gets of the environment of a call: what the protocol and the runtime name. A runtime's own
 * environment can hold secrets (a proxy's password, a cloud's key), and a network names the plugin that would see them.
 */

export type ProcessEnvironment = Readonly<Record<string, string | undefined>>

/** Beside CNI_*: the search path, and what traces a call through the programs that it is made of (W3C Trace Context). */
const named = new Set(["PATH", "TRACEPARENT", "TRACESTATE", "BAGGAGE"])

/** The variables of a delegate; Debian's host-local, dhcp, static and a shell need no others. */
export const delegateEnvironment = (env: ProcessEnvironment): ProcessEnvironment =>
  Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith("CNI_") || named.has(name)))
