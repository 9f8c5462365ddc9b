/** An agent whose calls and figures a test looks at. */
import { createServer } from "node:net"
import { assert } from "vitest"
import { type AgentFolder, makeAgentFolder } from "../lab/agent.ts"
import { makeNode, type Node } from "../lab/call/node.ts"

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

/** An agent and a node whose calls it answers. */
export const withAgent = async (
  env: Readonly<Record<string, string>>,
  use: (node: Node, folder: AgentFolder, port: number, lines: ReadonlyArray<string>) => Promise<void>
): Promise<void> => {
  const made = await makeAgentFolder("observe")
  if (typeof made === "string") return assert.fail(made)
  await using folder = made
  const port = await freePort()
  await using daemon = await folder.start({
    args: ["--listen", `127.0.0.1:${port}`],
    env: { PATH: process.env["PATH"] ?? "", ...env }
  })
  await using node = await makeNode([folder.client])
  await use(node, folder, port, daemon.lines)
}

/** name{labels} and value of each sample. */
export const scrapeText = async (port: number): Promise<string> =>
  (await fetch(`http://127.0.0.1:${port}/metrics`)).text()

export const scrape = async (port: number): Promise<ReadonlyMap<string, number>> => {
  const text = await scrapeText(port)
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))] as const)
  )
}

/** Whether there is a C compiler, for the client. */
export const compiled =
  typeof (await makeAgentFolder("observe-look").then(async (made) => {
    if (typeof made !== "string") await made[Symbol.asyncDispose]()
    return made
  })) !== "string"
