/**
 * Stands in for the package koffi in the executable: as much of it as src/live/system/libc.ts uses, through Bun's own foreign
 * functions; through koffi's native part, which the executable carries at its end, where Bun has none.
 */
import { type CType, type Library, libc, type Native } from "./libc.ts"

interface Koffi {
  /** null: the libraries that the process has already, which is to say libc. */
  readonly load: (library: null) => {
    readonly func: (name: string, result: CType, types: ReadonlyArray<CType>) => Native
  }
  readonly errno: () => number
}

let native: Koffi | undefined
const fallback = (): Koffi => {
  // A file of its own in the executable, evaluated only here.
  native ??= (require("./koffiNative.ts") as typeof import("./koffiNative.ts")).loadNative() as unknown as Koffi
  return native
}

const onLibc = (library: Library): Koffi => ({ load: () => library, errno: library.errno })
const onNative: Koffi = { load: (library) => fallback().load(library), errno: () => fallback().errno() }

export default libc === undefined ? onNative : onLibc(libc)
