/** The manual test of the plugin, as a person would do it: ADD, a look, CHECK, DEL, a look. */
import type { Answer, Call, Seen, Stage } from "./Stage.ts"

const config = {
  cniVersion: "1.1.0",
  name: "mynet",
  type: "macvtap",
  master: "eth0",
  mode: "bridge",
  mtu: 1500
}

const ifname = "eth2"

/** A step that did not go as it should; the message says which. */
export class Surprise extends Error {}

const milliseconds = (time: number): string => `${time.toFixed(1)} ms`

/** Plays the story; every line goes to `say`. */
export const story = async (stage: Stage, say: (line: string) => void): Promise<void> => {
  const title = (words: string) => {
    say("")
    say(`# ${words}`)
  }
  const show = ({ typed, lines }: Seen) => {
    say(`$ ${typed}`)
    lines.forEach(say)
  }

  const env = {
    CNI_CONTAINERID: "ns1",
    CNI_NETNS: stage.netns,
    CNI_IFNAME: ifname,
    CNI_PATH: stage.pluginPath,
    CNI_ARGS: "MAC=02:03:04:05:06:07"
  }
  const times: Array<string> = []
  const call = async (command: Call["command"], stdin: object, file: string): Promise<Answer> => {
    const variables = Object.entries({ CNI_COMMAND: command, ...env }).map(([name, value]) =>
      name === "CNI_ARGS" ? `${name}="${value}"` : `${name}=${value}`
    )
    say(`$ ${variables.join(" ")} \\`)
    say(`    ${stage.program} < ${file}`)
    const answer = await stage.call({ command, env: { CNI_COMMAND: command, ...env }, config: stdin })
    for (const line of `${answer.stdout}\n${answer.stderr}`.split("\n")) if (line !== "") say(line)
    say(`(status ${answer.status}, ${milliseconds(answer.milliseconds)})`)
    times.push(`${command} ${milliseconds(answer.milliseconds)}`)
    if (answer.status !== 0) throw new Surprise(`${command} failed`)
    return answer
  }

  title("A namespace stands in for the host, with one end of a veth as its eth0; another is the container's")
  for (const step of await stage.prepare()) show(step)

  title("Before: the container has its loopback and nothing else")
  show(await stage.look())

  title("ADD: a macvtap on eth0, born in the container's namespace")
  show({ typed: "cat config", lines: [JSON.stringify(config)] })
  const added = await call("ADD", config, "config")

  title("The container has a link of its own, whose alias says whose it is")
  show(await stage.look())
  const ifindex = await stage.ifindex(ifname)
  if (ifindex === undefined) throw new Surprise(`ADD said yes, and there is no ${ifname}`)

  title("The tap through which a virtual machine opens it: no other link on this host has that number")
  show(await stage.tapNode(ifindex))

  title("CHECK: everything is as ADD's result says (silence is consent)")
  await call("CHECK", { ...config, prevResult: JSON.parse(added.stdout) }, "config-with-prevResult")

  title("DEL: taken back")
  await call("DEL", config, "config")

  title("After: as before")
  show(await stage.look())
  show(await stage.tapNode(ifindex))
  if ((await stage.ifindex(ifname)) !== undefined) throw new Surprise(`DEL said yes, and ${ifname} is still there`)

  say("")
  say(`${times.join(", ")}: ${stage.timed}`)
}
