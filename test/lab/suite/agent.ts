/** Beside the tests: an agent, so that what calls the plugin calls it both ways. None where MACVTAP_CNI_CLIENT says "". */
import { existsSync } from "node:fs"
import { makeAgentFolder } from "../agent.ts"
import { executable } from "../plugin.ts"

export const setup = async (): Promise<(() => PromiseLike<void>) | undefined> => {
  if (process.env["MACVTAP_CNI_CLIENT"] !== undefined) return undefined
  if (process.getuid?.() !== 0 || !existsSync(executable)) return undefined
  const folder = await makeAgentFolder("suite-agent")
  // test/agent/compiler.test.ts skips then, and says so.
  if (typeof folder === "string") return undefined
  try {
    await folder.start()
  } catch (error) {
    await folder[Symbol.asyncDispose]()
    process.stderr.write(`no agent beside the tests: ${error instanceof Error ? error.message : error}\n`)
    return undefined
  }
  process.env["MACVTAP_CNI_CLIENT"] = folder.client
  return () => folder[Symbol.asyncDispose]()
}
