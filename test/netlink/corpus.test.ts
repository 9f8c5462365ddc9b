/**
 * A corpus of hostile and broken datagrams, replayed. A file is a line that says what is wrong (`#`), the bytes in hex,
 * and a line for each message that is read all the same (`=`), which is its description and, where it is a link, an
 * address, a route or a verdict, what it was decoded to.
 */
import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { decodeAddress } from "../../src/netlink/address.ts"
import { NLMSG_DONE, NLMSG_ERROR, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE } from "../../src/netlink/constants.ts"
import * as Describe from "../../src/netlink/describe.ts"
import { decodeLink } from "../../src/netlink/link.ts"
import { decode, type Message, readError } from "../../src/netlink/message.ts"
import { decodeRoutes } from "../../src/netlink/route.ts"
import { assertReadable } from "./readers.ts"

const folder = new URL("corpus/", import.meta.url)

const files = readdirSync(folder).filter((file) => file.endsWith(".txt"))

const read = (file: string) => {
  const lines = readFileSync(new URL(file, folder), "utf8").trimEnd().split("\n")
  const hex = lines.filter((line) => /^[0-9a-f]+$/.test(line)).join("")
  return {
    about: lines[0]?.slice(2) ?? "",
    bytes: Uint8Array.from(Buffer.from(hex, "hex")),
    expected: lines.filter((line) => line.startsWith("= ")).map((line) => line.slice(2))
  }
}

const readers: Readonly<Record<number, (message: Message) => unknown>> = {
  [RTM_NEWLINK]: ({ body }) => decodeLink(body),
  [RTM_NEWADDR]: ({ body }) => decodeAddress(body),
  [RTM_NEWROUTE]: ({ body }) => decodeRoutes(body)[0],
  [NLMSG_ERROR]: readError,
  [NLMSG_DONE]: readError
}

const outcome = (message: Message): string =>
  `${Describe.describe(message)} => ${JSON.stringify(readers[message.type]?.(message)) ?? "nothing"}`

describe("corpus", () => {
  it.each(files)("%s", (file) => {
    const { about, bytes, expected } = read(file)
    assertReadable(bytes)
    assertReadable(bytes.subarray(16))
    assert.deepStrictEqual(decode(bytes).map(outcome), expected, about)
  })
})
