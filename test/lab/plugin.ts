/** The plugin as a runtime calls it: an executable, an environment, stdin. */
import { fileURLToPath } from "node:url"
import { type RunResult, run } from "./run.ts"

/** The executable under test: MACVTAP_CNI_EXECUTABLE, or dist/macvtap. */
export const executable: string =
  process.env["MACVTAP_CNI_EXECUTABLE"] ?? fileURLToPath(new URL("../../dist/macvtap", import.meta.url))

/**
 * The client of the agent that runs beside the tests (suite/agent.ts), in a folder without a standalone executable: what
 * it answers, the agent has answered. undefined where there is no C compiler, or no right to run
 * an agent, and where the variable is empty.
 */
export const client: string | undefined = process.env["MACVTAP_CNI_CLIENT"] || undefined

/** Where Debian has its CNI plugins (package containernetworking-plugins). */
export const debianPlugins = "/usr/lib/cni"

export interface PluginCall {
  readonly env: Readonly<Record<string, string>>
  /** A network configuration, or stdin as it is. */
  readonly stdin: string | object
  /** Name of the namespace that the plugin runs in (the host's); the test's own when left out. */
  readonly host?: string
  /** Words before all others, which run what follows: `["timeout", "1"]`. */
  readonly before?: ReadonlyArray<string>
  /** Another program than the executable under test. */
  readonly executable?: string
  readonly timeout?: number
}

/** The program and arguments that run `command` in the namespace; by exec alone, so that signals reach it. */
export const inNetns = (netns: string | undefined, command: ReadonlyArray<string>): ReadonlyArray<string> =>
  netns === undefined ? command : ["nsenter", `--net=/run/netns/${netns}`, "--", ...command]

/** One CNI call; the environment is exactly what is given. */
export const callPlugin = (call: PluginCall): Promise<RunResult> => {
  const [command = "", ...args] = [...(call.before ?? []), ...inNetns(call.host, [call.executable ?? executable])]
  return run(command, args, {
    env: { ...call.env },
    stdin: typeof call.stdin === "string" ? call.stdin : JSON.stringify(call.stdin),
    ...(call.timeout === undefined ? {} : { timeout: call.timeout })
  })
}

/** The environment of one attachment's calls. `netns` is a path; `path` is CNI_PATH, Debian's plugins when left out. */
export const attachmentEnv = (
  command: "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION",
  attachment: {
    readonly containerID: string
    readonly netns: string
    readonly ifname?: string
    readonly args?: string
    readonly path?: string
  }
): Record<string, string> => ({
  CNI_COMMAND: command,
  CNI_CONTAINERID: attachment.containerID,
  CNI_NETNS: attachment.netns,
  CNI_IFNAME: attachment.ifname ?? "net1",
  CNI_PATH: attachment.path ?? debianPlugins,
  ...(attachment.args === undefined ? {} : { CNI_ARGS: attachment.args })
})
