/** Nodes of our own: made, and removed, in one step each. */
import { chmodSync, chownSync, linkSync, mkdirSync, renameSync, rmSync } from "node:fs"
import type { NodeOwner } from "../../services/ReservationService.ts"
import { errnoOf, SystemError } from "../system/errno.ts"
import { mknodCharacter } from "../system/libc.ts"
import { ownRoot, type Root } from "../system/root.ts"
import { holderOf } from "./holder.ts"

/** A name in the node's folder that nobody else uses: no device ID begins with a dot. */
export const besideOf = (node: string): string => {
  const cut = node.lastIndexOf("/") + 1
  return `${node.slice(0, cut)}.${node.slice(cut)}.${Math.random().toString(36).slice(2)}`
}

/** The folder and those above it. */
export const makeFolder = (root: Root, path: string): void => {
  const make = (): void => {
    try {
      root.at(path, (folder) => mkdirSync(folder, { mode: 0o755 }))
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error
    }
  }
  try {
    make()
  } catch (error) {
    const above = path.slice(0, path.lastIndexOf("/"))
    if (errnoOf(error) !== "ENOENT" || above === "") throw error
    makeFolder(root, above)
    make()
  }
}

/** Made under another name, since a node is opened by its name: nobody shall meet it with the wrong owner or mode. */
export const makeNode = (root: Root, node: string, number: string, to: NodeOwner): void => {
  const [, major, minor] = /^(\d+):(\d+)$/.exec(number) ?? []
  if (major === undefined || minor === undefined) throw new SystemError("mknod", "EINVAL")
  makeFolder(root, node.slice(0, node.lastIndexOf("/")))
  root.at(node, (node) => {
    const beside = besideOf(node)
    try {
      mknodCharacter(beside, 0o600, Number(major), Number(minor))
      chownSync(beside, to.owner, to.group)
      chmodSync(beside, to.mode)
      renameSync(beside, node)
    } catch (error) {
      rmSync(beside, { force: true })
      throw error
    }
  })
}

/**
 * Taken aside before it is judged: a node that the next pod's ADD makes between a look and the removal would be removed
 * with the wrong look. A live one goes back, unless a newer one has its place by then.
 */
export const removeNode = (root: Root, node: string, index: number): boolean => {
  if (holderOf(root, node, index) !== undefined) return false
  try {
    return root.at(node, (node) => removeAside(node, index))
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return true
    throw error
  }
}

const removeAside = (node: string, index: number): boolean => {
  const aside = besideOf(node)
  renameSync(node, aside)
  const gone = holderOf(ownRoot, aside, index) === undefined
  try {
    if (!gone) linkSync(aside, node)
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  return gone
}
