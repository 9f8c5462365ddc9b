/** Where an executable keeps variables of its C library: it has copies of those that it uses (ELF's copy relocations). */

const SHT_RELA = 4
/** R_X86_64_COPY and R_AARCH64_COPY. */
const copies = new Set([5, 1024])
/** Offsets of ELF's header (64 bit, little endian), of a section's, of a relocation's and of a symbol's fields; sizes. */
const header = { sections: 40, sectionSize: 58, sectionCount: 60 }
const section = { type: 4, offset: 24, size: 32, link: 40 }
const relocation = { address: 0, type: 8, symbol: 12, size: 24 }
const symbol = { name: 0, size: 24 }

/** The address of the executable's copy of a library's variable. */
export const copyOf = (name: string, executable: Buffer): number => {
  const table = Number(executable.readBigUInt64LE(header.sections))
  const sectionAt = (index: number): number => table + index * executable.readUInt16LE(header.sectionSize)
  const offsetOf = (index: number): number => Number(executable.readBigUInt64LE(sectionAt(index) + section.offset))
  const linkOf = (index: number): number => executable.readUInt32LE(sectionAt(index) + section.link)
  for (let index = 0; index < executable.readUInt16LE(header.sectionCount); index++) {
    if (executable.readUInt32LE(sectionAt(index) + section.type) !== SHT_RELA) continue
    const symbols = linkOf(index)
    const size = Number(executable.readBigUInt64LE(sectionAt(index) + section.size))
    for (let at = offsetOf(index); at < offsetOf(index) + size; at += relocation.size) {
      if (!copies.has(executable.readUInt32LE(at + relocation.type))) continue
      const found = offsetOf(symbols) + executable.readUInt32LE(at + relocation.symbol) * symbol.size
      const text = offsetOf(linkOf(symbols)) + executable.readUInt32LE(found + symbol.name)
      const wanted = Buffer.from(`${name}\0`)
      if (executable.subarray(text, text + wanted.length).equals(wanted)) {
        return Number(executable.readBigUInt64LE(at + relocation.address))
      }
    }
  }
  throw new Error(`the runtime has no copy of its C library's ${name}`)
}
