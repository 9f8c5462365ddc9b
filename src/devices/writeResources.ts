/** Writing what ADD reads, so that a reader, or a crash, only ever sees the old text or the new one. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs"
import { encodeKubelet, type KubeletFacts, kubeletFile } from "./kubeletFile.ts"
import { encodeResources, type Resources, resourcesFile } from "./resources.ts"

/** The offers, for ADD. */
export const writeResources = (stateFolder: string, resources: Resources): void =>
  writeState(stateFolder, resourcesFile(stateFolder), encodeResources(resources))

/** What ADD has to know of the kubelet. */
export const writeKubelet = (stateFolder: string, facts: KubeletFacts): void =>
  writeState(stateFolder, kubeletFile(stateFolder), encodeKubelet(facts))

/**
 * Beside, fsync, rename, fsync of the folder. Throws what node:fs throws (ENOSPC …), and then the old text is as it was.
 * There is one writer, the daemon; a temporary file that a killed one left is written over.
 */
const writeState = (stateFolder: string, file: string, text: string): void => {
  const beside = `${file}.new`
  mkdirSync(stateFolder, { recursive: true, mode: 0o755 })
  try {
    const fd = openSync(beside, "w", 0o644)
    try {
      const bytes = Buffer.from(text)
      // A full disk takes a part, and refuses only the rest.
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(beside, file)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
  syncFolder(stateFolder)
}

const syncFolder = (folder: string): void => {
  const fd = openSync(folder, "r")
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
