/** The sockets of our device plugin in the kubelet's folder, one a resource. */
import { indexBlock } from "./deviceID.ts"

/** `sockaddr_un.sun_path` without its NUL. */
export const longestPath = 107

/** A file name for the resource's socket; by its block of ifindexes, which is its alone, where the path would be too long. */
export const endpointName = (folder: string, resource: string): string => {
  const name = `macvtap-${resource}.sock`
  return Buffer.byteLength(`${folder}/${name}`) <= longestPath ? name : `macvtap-${indexBlock(resource)}.sock`
}

/** Whether a file may be a socket of ours. One that is not ready yet begins with a dot. */
export const isEndpointName = (name: string): boolean => /^\.?macvtap-.+\.sock$/.test(name)
