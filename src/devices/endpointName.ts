/** The sockets of our device plugin in the kubelet's folder, one a resource. */
import { indexBlock } from "./deviceID.ts"

/** `sockaddr_un.sun_path` without its NUL. */
export const longestPath = 107

/**
 * File names for the resource's socket: the one that it has, and the one of a second daemon, which takes over while the
 * first still serves; for the kubelet a device plugin is who answers at a path. By the resource's block of ifindexes,
 * which is its alone, where the path would be too long.
 */
export const endpointNames = (folder: string, resource: string): readonly [string, string] => {
  const long = Buffer.byteLength(`${folder}/macvtap2-${resource}.sock`) > longestPath
  const own = long ? indexBlock(resource) : resource
  return [`macvtap-${own}.sock`, `macvtap2-${own}.sock`]
}

/** Whether a file may be a socket of ours. One that is not ready yet begins with a dot. */
export const isEndpointName = (name: string): boolean => /^\.?macvtap2?-.+\.sock$/.test(name)
