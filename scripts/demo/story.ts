/**
 * The manual test of macvtap-cni, word for word as its first README had it: ADD, a look, DEL, a look; once for a link that
 * is made, once with the `deviceID` of one that is there. Then CHECK, which versions of that time did not know.
 */
import type { Answer, Call, Seen, Stage } from "./Stage.ts"

const config = {
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
  const times = new Map<string, Array<string>>()
  const call = async (
    command: Call["command"],
    stdin: object,
    file: string,
    how: Pick<Stage, "program" | "call"> = stage
  ): Promise<Answer> => {
    const variables = Object.entries({ CNI_COMMAND: command, ...env }).map(([name, value]) =>
      name === "CNI_ARGS" ? `${name}="${value}"` : `${name}=${value}`
    )
    say(`$ ${variables.join(" ")} \\`)
    say(`    ${how.program} < ${file}`)
    const answer = await how.call({ command, env: { CNI_COMMAND: command, ...env }, config: stdin })
    for (const line of `${answer.stdout}\n${answer.stderr}`.split("\n")) if (line !== "") say(line)
    say(`(status ${answer.status}, ${milliseconds(answer.milliseconds)})`)
    const time = `${command} ${milliseconds(answer.milliseconds)}`
    times.set(how.program, [...(times.get(how.program) ?? []), time])
    if (answer.status !== 0) throw new Surprise(`${command} failed`)
    return answer
  }

  title("A namespace stands in for the host, with one end of a veth as its eth0; another is the container's")
  for (const step of await stage.prepare()) show(step)

  const gone = async () => {
    show(await stage.look())
    if ((await stage.ifindex(ifname)) !== undefined) throw new Surprise(`DEL said yes, and ${ifname} is still there`)
  }

  title("Before: the container has its loopback and nothing else")
  show(await stage.look())

  title("ADD: a macvtap on eth0, born in the container's namespace")
  show({ typed: "cat config", lines: [JSON.stringify(config)] })
  await call("ADD", config, "config")

  title("The container has a link of its own, whose alias says whose it is")
  show(await stage.look())
  const ifindex = await stage.ifindex(ifname)
  if (ifindex === undefined) throw new Surprise(`ADD said yes, and there is no ${ifname}`)

  title("The tap through which a virtual machine opens it: no other link on this host has that number")
  show(await stage.tapNode(ifindex))

  title("DEL: taken back")
  await call("DEL", config, "config")
  await gone()
  show(await stage.tapNode(ifindex))

  title("The same with a macvtap that is there already: it is imported")
  const device = { ...config, deviceID: "macvtap0" }
  show(await stage.makeDevice(device.deviceID))
  show({ typed: "cat config-with-deviceID", lines: [JSON.stringify(device)] })
  await call("ADD", device, "config-with-deviceID")
  show(await stage.look())
  if ((await stage.ifindex(ifname)) === undefined) throw new Surprise(`ADD said yes, and there is no ${ifname}`)
  await call("DEL", device, "config-with-deviceID")
  await gone()

  title("CHECK, since version 0.4.0: everything is as ADD's result says (silence is consent)")
  const today = { cniVersion: "1.1.0", ...config }
  show({ typed: "cat config-of-today", lines: [JSON.stringify(today)] })
  const added = await call("ADD", today, "config-of-today")
  await call("CHECK", { ...today, prevResult: JSON.parse(added.stdout) }, "config-of-today-with-prevResult")
  await call("DEL", today, "config-of-today")
  await gone()

  const started = typeof stage.resident === "string" ? stage.resident : await stage.resident.start()
  const resident = typeof started === "string" ? started : stage.resident
  if (typeof resident === "string" || typeof started === "string") {
    title(`A node starts one engine and not one for each call: not here, ${started}`)
  } else {
    title("One engine a node: an agent stays up, and what the runtime starts is a client of a few kilobytes")
    show(started)
    say("# The first calls of an engine are its slowest; it has them once, and not for each pod.")
    for (let round = 0; round < 2; round++) {
      await call("ADD", today, "config-of-today", resident)
      await call("DEL", today, "config-of-today", resident)
    }
    await gone()
  }

  title("Where the time of a call goes")
  const { program, trace } = typeof resident === "string" ? stage : resident
  const words = typeof resident === "string" ? "" : ` ${program}`
  for (const command of ["ADD", "DEL"] as const) {
    say(`$ ${stage.program} trace -- CNI_COMMAND=${command} CNI_CONTAINERID=ns1 …${words} < config-of-today`)
    const traced = await trace({ command, env: { CNI_COMMAND: command, ...env }, config: today })
    for (const line of traced.stderr.split("\n")) if (line !== "") say(line)
    if (traced.status !== 0) throw new Surprise(`${command} failed`)
  }
  await gone()

  say("")
  for (const [program, of] of times) say(`${program}: ${of.join(", ")}`)
  say(`(${stage.timed})`)
}
