/** What ADD answers, in the shape of 1.1.0; other versions' shapes exist only at the edges (`decodeResult`, `encodeResult`). */
import { type Dns, isEmptyDns } from "./Dns.ts"
import type { Cidr, Ip } from "./Ip.ts"

export interface ResultInterface {
  readonly name: string
  readonly mac?: string
  /** Bytes. */
  readonly mtu?: number
  /** Path of the network namespace; absent: the host's. */
  readonly sandbox?: string
  readonly socketPath?: string
  readonly pciID?: string
}

export interface ResultIp {
  /** The host's bits are kept. */
  readonly address: Cidr
  readonly gateway?: Ip
  /** Index into `interfaces`. */
  readonly interface?: number
}

export interface ResultRoute {
  /** As it was given, so the host's bits may be set. */
  readonly dst: Cidr
  readonly gw?: Ip
  /** Bytes. */
  readonly mtu?: number
  /** Bytes. */
  readonly advmss?: number
  readonly priority?: number
  /** 0 is not the same as absent, nor is it for `scope`. */
  readonly table?: number
  readonly scope?: number
}

export interface Result {
  readonly interfaces: ReadonlyArray<ResultInterface>
  readonly ips: ReadonlyArray<ResultIp>
  readonly routes: ReadonlyArray<ResultRoute>
  readonly dns: Dns
}

export const emptyResult: Result = { interfaces: [], ips: [], routes: [], dns: {} }

/**
 * The result of a plugin that is not the first of its chain: what was there stays, ours comes after it, and only our
 * addresses are re-indexed. Our DNS settings replace those before, where we have any.
 */
export const appendToPrevResult = (previous: Result | undefined, ours: Result): Result => {
  if (previous === undefined) {
    return ours
  }
  const offset = previous.interfaces.length
  const ips = ours.ips.map((ip) => (ip.interface === undefined ? ip : { ...ip, interface: ip.interface + offset }))
  return {
    interfaces: [...previous.interfaces, ...ours.interfaces],
    ips: [...previous.ips, ...ips],
    routes: [...previous.routes, ...ours.routes],
    dns: isEmptyDns(ours.dns) ? previous.dns : ours.dns
  }
}
