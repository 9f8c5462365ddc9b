/** Texts that belong to the words of a packet: behind them, or where they are long in a memory file beside them. */
import { closeSync } from "node:fs"
import { fileOf, readMemoryFile } from "../../live/process/memoryFile.ts"
import { type Packet, send } from "../../live/system/packets.ts"

/** Characters of a text that is sent in a packet, each of up to three bytes: 32 KiB. */
export const longestInPacket = 10_922

/** Throws what the kernel refuses, as `send` does. */
export const sendText = (
  connection: number,
  words: string,
  text: string,
  descriptors: ReadonlyArray<number> = []
): void => {
  if (text.length <= longestInPacket) {
    send(connection, `${words}\0${text}`, descriptors)
    return
  }
  const file = fileOf(text)
  try {
    send(connection, words, [...descriptors, file])
  } finally {
    closeSync(file)
  }
}

/** The bytes of a packet's text; `file` is the descriptor of its memory file, where it has one. EFBIG beyond the limit. */
export const bytesOfText = ({ rest }: Packet, file: number | undefined, limit: number): Uint8Array =>
  file === undefined ? rest : readMemoryFile(file, limit)
